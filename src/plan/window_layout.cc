// Counts tokens per window.
#include "plan/window_layout.h"

#include "plan/partition.h"
#include "plan/windows.h"

namespace t3 {
namespace {

WindowLayout LayoutOf(const Grid& grid, const WindowCounts& counts) {
  const auto longest = [](int64_t size, int64_t count) { return (size + count - 1) / count; };
  WindowLayout layout;
  layout.counts = counts;
  layout.mean_tokens = static_cast<double>(grid.tokens()) / static_cast<double>(counts.windows());
  layout.smallest_tokens = (grid.t / counts.t) * (grid.h / counts.h) * (grid.w / counts.w);
  layout.largest_tokens =
      longest(grid.t, counts.t) * longest(grid.h, counts.h) * longest(grid.w, counts.w);
  layout.coincide = Coincide(grid, counts);
  return layout;
}

}  // namespace

std::vector<WindowLayout> WindowLayouts(const WindowCycle& cycle, const Grid& grid,
                                        int64_t layers) {
  CheckWindows(cycle, grid);
  std::vector<WindowLayout> layouts;
  for (const WindowCounts& counts : cycle) layouts.push_back(LayoutOf(grid, counts));
  for (int64_t layer = 0; layer < layers; ++layer) {
    ++layouts[static_cast<size_t>(layer) % cycle.size()].layers;
  }
  return layouts;
}

}  // namespace t3
