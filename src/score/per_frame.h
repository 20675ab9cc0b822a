// Metrics that are a function of one frame, averaged over the frames of a clip.
#pragma once

#include <memory>
#include <vector>

#include "score/metric.h"

namespace t3 {

// One value for each metric of the group, in the order of its table.
using FrameValues = std::vector<double>;
using FrameFunction = FrameValues (*)(const ScoreFrame& frame);

// The group's metrics as means of `values` over the frames. Clips with a side below `min_side`
// pixels have none: Start throws Error of kind kUsage.
std::unique_ptr<Metric> MeanOverFrames(std::span<const ScoreMetric> metrics, FrameFunction values,
                                       int64_t min_side);

// Opens a metric whose Start needs nothing but the clip.
template <typename OneClip>
std::unique_ptr<Metric> MetricOf() {
  class Starts : public Metric {
    std::unique_ptr<ClipMetric> Start(const ClipInfo& clip) override {
      return std::make_unique<OneClip>(clip);
    }
  };
  return std::make_unique<Starts>();
}

// Throws Error of kind kUsage that names the metric for a clip below `min_side` pixels a side or
// `min_frames`.
void CheckClipSize(std::string_view metric, const ClipInfo& clip, int64_t min_side,
                   int64_t min_frames = 1);

}  // namespace t3
