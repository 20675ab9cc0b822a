// Window tables: planned for any grid from a published one, read and written as text.
#pragma once

#include "config/geometry.h"
#include "config/presets.h"
#include "t3video/attention.h"

namespace t3 {

// Weights are trained with the windows of a planner version, so files record it and a version's
// output never changes (docs/design/planner.md): a better rule gets a new version number.
inline constexpr int kPlannerVersion = 1;

// A cycle of five layouts for `grid`: type 0 whole frames (T,1,1); types 1 and 2 the whole time
// axis in spatial windows; types 3 and 4 windows in time and space. Exactly published.cycle for
// published.grid; transposed for its transpose and for every transposed grid. Grids of at least
// kPlannedTokens tokens get windows of about the published number of tokens a type, smaller grids
// proportionally smaller ones. docs/design/planner.md states the rule and what it guarantees.
// Throws Error when an axis is empty or `published` is not a table of five layouts.
WindowCycle PlanWindows(const Grid& grid, const WindowTable& published);

// From this many tokens on the published window sizes hold.
inline constexpr int64_t kPlannedTokens = 8192;

// Throws Error of kind kUsage unless every count is between 1 and the grid's size on its axis, and
// Error when the cycle or the grid is empty.
void CheckWindows(const WindowCycle& cycle, const Grid& grid);

}  // namespace t3
