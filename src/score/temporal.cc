// SI and TI, flicker, frozen and black frames.
#include "score/temporal.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "score/per_frame.h"

namespace t3 {
namespace {

// Standard deviation of the Sobel magnitude over the pixels that have all neighbours.
double SpatialInformation(PlaneView luma) {
  Plane magnitude(luma.width - 2, luma.height - 2);
  for (int64_t y = 1; y + 1 < luma.height; ++y) {
    const float* const a = luma.row(y - 1);
    const float* const b = luma.row(y);
    const float* const c = luma.row(y + 1);
    float* const to = magnitude.row(y - 1);
    for (int64_t x = 1; x + 1 < luma.width; ++x) {
      const float right = a[x + 1] + 2 * b[x + 1] + c[x + 1] - a[x - 1] - 2 * b[x - 1] - c[x - 1];
      const float down = c[x - 1] + 2 * c[x] + c[x + 1] - a[x - 1] - 2 * a[x] - a[x + 1];
      to[x - 1] = std::sqrt(right * right + down * down);
    }
  }
  return std::sqrt(MomentsOf(magnitude.view()).variance);
}

double MeanOfValues(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

SpatialTemporal::SpatialTemporal(const ClipInfo& clip) { CheckClipSize("si_ti", clip, 3); }

void SpatialTemporal::Add(const ScoreFrame& frame) {
  spatial_.push_back(SpatialInformation({frame.width, frame.height, frame.luma}));
  const auto pixels = static_cast<size_t>(frame.pixels());
  if (!previous_.empty()) {
    for (size_t i = 0; i < pixels; ++i) previous_[i] = frame.luma[i] - previous_[i];
    temporal_.push_back(
        std::sqrt(MomentsOf({frame.width, frame.height, previous_.data()}).variance));
  }
  previous_.assign(frame.luma, frame.luma + pixels);
}

MetricValues SpatialTemporal::Finish() {
  MetricValues values{{"si", std::ranges::max(spatial_)}};
  if (!temporal_.empty()) values.emplace_back("ti", std::ranges::max(temporal_));
  values.emplace_back("si_mean", MeanOfValues(spatial_));
  if (!temporal_.empty()) values.emplace_back("ti_mean", MeanOfValues(temporal_));
  return values;
}

FlickerOfClip::FlickerOfClip(const ClipInfo& clip) { CheckClipSize("flicker", clip, 1, 3); }

void FlickerOfClip::Add(const ScoreFrame& frame) {
  constexpr int64_t kRows = 18;
  const int64_t rows = std::min(kRows, frame.height);
  const int64_t columns = std::clamp<int64_t>(frame.width * rows / frame.height, 1, frame.width);
  Plane fields = FieldMeans({frame.width, frame.height, frame.luma}, columns, rows);
  if (!before_.data.empty()) {
    for (size_t i = 0; i < fields.data.size(); ++i) {
      const double second = before_.data[i] - 2.0 * last_.data[i] + fields.data[i];
      sum_ += second * second, ++count_;
    }
  }
  before_ = std::move(last_), last_ = std::move(fields);
}

MetricValues FlickerOfClip::Finish() {
  return {{"flicker", std::sqrt(sum_ / static_cast<double>(count_))}};
}

void FrozenBlack::Add(const ScoreFrame& frame) {
  // FFmpeg's blackdetect (pixels up to 10 % bright in 98 % of the picture) and freezedetect (mean
  // difference up to -60 dB) with their default thresholds.
  constexpr float kBlack = 0.1F * 255;
  constexpr double kBlackShare = 0.98, kFrozen = 0.001 * 255;
  const int64_t pixels = frame.pixels();
  const auto dark =
      std::count_if(frame.luma, frame.luma + pixels, [](float value) { return value <= kBlack; });
  if (static_cast<double>(dark) >= kBlackShare * static_cast<double>(pixels)) ++black_;
  if (!previous_.empty()) {
    double difference = 0;
    for (int64_t i = 0; i < pixels; ++i)
      difference += std::abs(frame.luma[i] - previous_[static_cast<size_t>(i)]);
    if (difference / static_cast<double>(pixels) <= kFrozen) ++frozen_;
  }
  previous_.assign(frame.luma, frame.luma + pixels);
  ++frames_;
}

MetricValues FrozenBlack::Finish() {
  MetricValues values;
  if (frames_ > 1)
    values.emplace_back("frozen", static_cast<double>(frozen_) / static_cast<double>(frames_ - 1));
  values.emplace_back("black", static_cast<double>(black_) / static_cast<double>(frames_));
  return values;
}

}  // namespace t3
