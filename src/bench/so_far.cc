// Runs as a sentence.
#include "bench/so_far.h"

#include <fmt/format.h>

#include <algorithm>

namespace t3 {

std::string DescribeRuns(const std::vector<double>& runs_ms, int64_t planned, const char* unit) {
  if (runs_ms.empty()) return "";
  const auto [fastest, slowest] = std::ranges::minmax(runs_ms);
  return fmt::format("median of {} of {} {}: {:.1f} ms, {:.1f} to {:.1f} ms", runs_ms.size(),
                     planned, unit, Median(runs_ms), fastest, slowest);
}

}  // namespace t3
