// The splits by their time.
#include "cli/job_split.h"

#include <algorithm>
#include <tuple>
#include <vector>

namespace t3 {
namespace {

// What `gpus` do that share a video, in tenths of a GPU alone: 0.9 of what they could
// (docs/results/several-gpus.md). Integers, so that equal times compare equal.
int64_t SpeedOf(int64_t gpus) { return gpus == 1 ? 10 : 9 * gpus; }

// Whether `a` ends before `b`. Of equals the one that exchanges less.
bool IsBetter(const JobSplit& a, const JobSplit& b, int64_t entries) {
  const auto rounds = [&](const JobSplit& split) {
    return (entries + split.parts - 1) / split.parts;
  };
  return std::tuple(rounds(a) * SpeedOf(b.gpus), b.parts) <
         std::tuple(rounds(b) * SpeedOf(a.gpus), a.parts);
}

// The fastest first, in which all GPUs work or some are idle.
std::vector<JobSplit> SplitsBySpeed(int64_t gpus, int64_t entries, bool all_work) {
  std::vector<JobSplit> splits;
  for (int64_t parts = 1; parts <= gpus && parts <= entries; ++parts) {
    for (int64_t each = 1; parts * each <= gpus; ++each)
      if ((parts * each == gpus) == all_work) splits.push_back({parts, each});
  }
  std::ranges::sort(splits,
                    [&](const JobSplit& a, const JobSplit& b) { return IsBetter(a, b, entries); });
  return splits;
}

}  // namespace

JobSplit ChooseJobSplit(int64_t gpus, int64_t entries,
                        const std::function<bool(int64_t gpus)>& fits) {
  for (const bool all_work : {true, false}) {
    const std::vector<JobSplit> splits = SplitsBySpeed(gpus, entries, all_work);
    const auto found = std::ranges::find_if(splits, fits, &JobSplit::gpus);
    if (found != splits.end()) return *found;
  }
  return {1, gpus};
}

}  // namespace t3
