// The time of every split.
#include "cli/job_split.h"

namespace t3 {
namespace {

// Of what GPUs could do, what they do when they share a video (docs/results/several-gpus.md).
constexpr double kSharedEfficiency = 0.9;

// In videos that one GPU makes in that time.
double TimeOf(const JobSplit& split, int64_t entries) {
  const int64_t rounds = (entries + split.parts - 1) / split.parts;
  const double speed = split.gpus == 1 ? 1 : kSharedEfficiency * static_cast<double>(split.gpus);
  return static_cast<double>(rounds) / speed;
}

}  // namespace

JobSplit ChooseJobSplit(int64_t gpus, int64_t entries,
                        const std::function<bool(int64_t gpus)>& fits) {
  JobSplit best{1, gpus};
  bool possible = fits(gpus);  // the model may have heads that so many GPUs cannot share
  for (int64_t parts = 2; parts <= gpus && parts <= entries; ++parts) {
    const JobSplit split{parts, gpus / parts};
    // Of equals the one that exchanges less.
    const bool slower = possible && TimeOf(split, entries) > 1.0001 * TimeOf(best, entries);
    if (gpus % parts != 0 || slower || !fits(split.gpus)) continue;
    best = split;
    possible = true;
  }
  return best;
}

}  // namespace t3
