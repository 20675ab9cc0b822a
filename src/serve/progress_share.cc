// Weighing stages.
#include "serve/progress_share.h"

#include <algorithm>

namespace t3::serve {

double ProgressShare::WeightFrom(size_t first) const {
  double sum = 0;
  for (size_t i = first; i < stages_.size(); ++i) sum += stages_[i].weight;
  return sum;
}

void ProgressShare::Update(const std::string& stage, double done, double total) {
  const auto found = std::ranges::find(stages_, stage, &StageShare::stage);
  if (found == stages_.end()) return;
  current_ = static_cast<size_t>(found - stages_.begin());
  const double whole = WeightFrom(0);
  if (whole <= 0) return;
  const double part = total > 0 ? std::clamp(done / total, 0.0, 1.0) : 0;
  const double before = whole - WeightFrom(current_);
  share_ = std::max(share_, (before + part * found->weight) / whole);
}

std::optional<double> ProgressShare::SecondsLeft(double seconds, double seconds_left) const {
  if (seconds_left < 0 || stages_.empty() || stages_[current_].weight <= 0) return std::nullopt;
  const double later = WeightFrom(current_ + 1) / stages_[current_].weight;
  return seconds_left + (seconds + seconds_left) * later;
}

}  // namespace t3::serve
