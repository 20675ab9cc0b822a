// Means over frames.
#include "score/per_frame.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace t3 {
namespace {

class ClipMean : public ClipMetric {
 public:
  ClipMean(std::span<const ScoreMetric> metrics, FrameFunction values)
      : metrics_(metrics), values_(values), sums_(metrics.size()) {}

  void Add(const ScoreFrame& frame) override {
    const FrameValues values = values_(frame);
    for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += values[i];
    ++frames_;
  }

  MetricValues Finish() override {
    MetricValues means;
    for (size_t i = 0; i < sums_.size(); ++i)
      means.emplace_back(metrics_[i].name, sums_[i] / static_cast<double>(frames_));
    return means;
  }

 private:
  std::span<const ScoreMetric> metrics_;
  FrameFunction values_;
  std::vector<double> sums_;
  int64_t frames_ = 0;
};

class MeanMetric : public Metric {
 public:
  MeanMetric(std::span<const ScoreMetric> metrics, FrameFunction values, int64_t min_side)
      : metrics_(metrics), values_(values), min_side_(min_side) {}

  std::unique_ptr<ClipMetric> Start(const ClipInfo& clip) override {
    CheckClipSize(metrics_.front().group, clip, min_side_);
    return std::make_unique<ClipMean>(metrics_, values_);
  }

 private:
  std::span<const ScoreMetric> metrics_;
  FrameFunction values_;
  int64_t min_side_;
};

}  // namespace

std::unique_ptr<Metric> MeanOverFrames(std::span<const ScoreMetric> metrics, FrameFunction values,
                                       int64_t min_side) {
  return std::make_unique<MeanMetric>(metrics, values, min_side);
}

void CheckClipSize(std::string_view metric, const ClipInfo& clip, int64_t min_side,
                   int64_t min_frames) {
  if (std::min(clip.width, clip.height) < min_side)
    FailUsage("{} needs at least {} pixels a side; the clip has {}x{}", metric, min_side,
              clip.width, clip.height);
  if (clip.frames < min_frames)
    FailUsage("{} needs at least {}; the clip has {}", metric, Counted(min_frames, "frame"),
              clip.frames);
}

}  // namespace t3
