// Times of earlier jobs.
#include "serve/pace.h"

namespace t3::serve {

void Pace::Note(const Job& job) {
  if (job.steps <= 0 || job.resumed > 0 || job.options.contains("draft") || job.input == "video" ||
      !job.source_video.empty())
    return;
  Rates rates;
  for (const auto& [stage, value] : job.stages.items()) {
    const double seconds = value.get<double>();
    if (stage == "denoising") {
      rates.step = seconds / static_cast<double>(job.steps);
    } else if (stage == "decoding") {
      rates.decoding = seconds;
    } else {
      rates.other += seconds;
    }
  }
  if (rates.step <= 0) return;
  const std::lock_guard lock(mutex_);
  rates_[{job.width, job.height, job.frames}] = rates;
}

std::optional<ExpectedTime> Pace::Predict(int64_t width, int64_t height, int64_t frames,
                                          int64_t steps) const {
  const std::lock_guard lock(mutex_);
  const auto found = rates_.find({width, height, frames});
  if (found == rates_.end()) return std::nullopt;
  const Rates& rates = found->second;
  return ExpectedTime{rates.step * static_cast<double>(steps), rates.decoding, rates.other};
}

}  // namespace t3::serve
