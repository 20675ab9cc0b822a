// The learning rate's schedule.
#include "training/loop/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace t3 {

double LearningRate(const OptimizerConfig& optimizer, const ScheduleConfig& schedule, int64_t step,
                    int64_t steps) {
  if (step < schedule.warmup) {
    return optimizer.lr * static_cast<double>(step + 1) / static_cast<double>(schedule.warmup);
  }
  if (schedule.decay == Decay::kConstant) return optimizer.lr;
  const auto span = static_cast<double>(std::max<int64_t>(1, steps - schedule.warmup - 1));
  const double done = std::min(1.0, static_cast<double>(step - schedule.warmup) / span);
  const double height =
      schedule.decay == Decay::kCosine ? 0.5 * (1 + std::cos(std::numbers::pi * done)) : 1 - done;
  return optimizer.lr * (schedule.final + (1 - schedule.final) * height);
}

}  // namespace t3
