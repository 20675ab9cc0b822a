// Metrics of frames in time that need no motion field: SI and TI, flicker, frozen and black frames.
#pragma once

#include <vector>

#include "score/metric.h"
#include "score/plane.h"

namespace t3 {

// si, ti, si_mean, ti_mean: ITU-T P.910.
class SpatialTemporal : public ClipMetric {
 public:
  explicit SpatialTemporal(const ClipInfo& clip);
  void Add(const ScoreFrame& frame) override;
  MetricValues Finish() override;

 private:
  std::vector<float> previous_;  // luma
  std::vector<double> spatial_, temporal_;
};

// flicker: second differences of brightness in fields.
class FlickerOfClip : public ClipMetric {
 public:
  explicit FlickerOfClip(const ClipInfo& clip);
  void Add(const ScoreFrame& frame) override;
  MetricValues Finish() override;

 private:
  Plane before_, last_;  // field means of the two frames before
  double sum_ = 0;
  int64_t count_ = 0;
};

// frozen, black: shares of frames.
class FrozenBlack : public ClipMetric {
 public:
  explicit FrozenBlack(const ClipInfo&) {}
  void Add(const ScoreFrame& frame) override;
  MetricValues Finish() override;

 private:
  std::vector<float> previous_;  // luma
  int64_t frames_ = 0, black_ = 0, frozen_ = 0;
};

}  // namespace t3
