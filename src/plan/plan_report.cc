// Gathers the planner's results for one run.
#include "plan/plan_report.h"

#include "plan/partition.h"

namespace t3 {
namespace {

WindowSummary Summarise(const Grid& grid, const WindowCounts& counts) {
  const auto longest = [](int64_t size, int64_t count) { return (size + count - 1) / count; };
  WindowSummary summary;
  summary.counts = counts;
  summary.mean_tokens = static_cast<double>(grid.tokens()) / static_cast<double>(counts.windows());
  summary.smallest_tokens = (grid.t / counts.t) * (grid.h / counts.h) * (grid.w / counts.w);
  summary.largest_tokens =
      longest(grid.t, counts.t) * longest(grid.h, counts.h) * longest(grid.w, counts.w);
  summary.coincide = Coincide(grid, counts);
  return summary;
}

}  // namespace

PlanReport MakePlanReport(const PlannedRun& run) {
  const Grid& grid = run.video.grid;
  const bool full = run.attention == AttentionPattern::kFull;
  const WindowCycle cycle = full ? WindowCycle{{1, 1, 1}} : run.windows;
  CheckWindows(cycle, grid);

  PlanReport report;
  report.video = run.video;
  report.attention = run.attention;
  for (const WindowCounts& counts : cycle) report.windows.push_back(Summarise(grid, counts));
  for (int64_t layer = 0; layer < run.dit.num_layers; ++layer) {
    ++report.windows[static_cast<size_t>(layer) % cycle.size()].layers;
  }
  report.forward = CostOfForward(run.dit, run.attention, cycle, grid);
  report.decode_macs = CostOfDecode(run.decoder.value_or(run.vae), run.video.latent);
  report.memory = PlanMemory(run);
  return report;
}

}  // namespace t3
