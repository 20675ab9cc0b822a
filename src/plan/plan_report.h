// Windows, work and memory of a run, predicted before it starts.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/cost.h"
#include "plan/memory.h"
#include "plan/windows.h"

namespace t3 {

// The windows of one entry of the cycle. Close and remote windows have the same lengths.
struct WindowSummary {
  WindowCounts counts;
  double mean_tokens = 0;
  int64_t smallest_tokens = 0;
  int64_t largest_tokens = 0;
  int64_t layers = 0;     // of the model, that have this entry
  bool coincide = false;  // close and remote windows are the same and computed once
};

struct PlanReport {
  int planner_version = kPlannerVersion;
  VideoGeometry video;
  AttentionPattern attention = AttentionPattern::kFull;
  std::vector<WindowSummary> windows;  // one entry (1,1,1) for full attention
  DitCost forward;                     // MACs of one forward, one guidance branch
  double decode_macs = 0;
  MemoryPlan memory;
};

// Throws Error of kind kUsage when the run's windows do not fit its grid.
PlanReport MakePlanReport(const PlannedRun& run);

}  // namespace t3
