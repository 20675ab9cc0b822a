// The lengths of a run's windows.
#pragma once

#include <cstdint>
#include <vector>

#include "t3video/plan.h"

namespace t3 {

// One entry per entry of the cycle, for a model of `layers` layers. Throws Error of kind kUsage
// when the windows do not fit the grid.
std::vector<WindowLayout> WindowLayouts(const WindowCycle& cycle, const Grid& grid, int64_t layers);

}  // namespace t3
