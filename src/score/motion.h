// Motion by a sparse optical flow: pyramidal Lucas-Kanade on a grid of points.
#pragma once

#include <vector>

#include "score/metric.h"
#include "score/plane.h"

namespace t3 {

// A picture and its halves, the finest first.
using Pyramid = std::vector<Plane>;
Pyramid PyramidOf(Plane finest);

// Where a window of the first picture is in the second.
struct FlowPoint {
  double x = 0, y = 0;    // displacement in pixels of the finest level
  double residual = 0;    // mean |difference| of the window after it, levels
  bool textured = false;  // the window determines both directions
};

// The displacement of the window of 15x15 pixels around (x, y): Lucas and Kanade's least squares,
// iterated, from the coarsest level down (Bouguet 2000).
FlowPoint TrackPoint(const Pyramid& first, const Pyramid& second, int64_t x, int64_t y);

// motion, motion_smoothness, warp_error.
class MotionOfClip : public ClipMetric {
 public:
  explicit MotionOfClip(const ClipInfo& clip);
  void Add(const ScoreFrame& frame) override;
  MetricValues Finish() override;

 private:
  void AddFlow(const std::vector<FlowPoint>& flow);

  int64_t factor_;  // of the reduction before
  double percent_;  // of the picture's height that a pixel of the reduced picture is
  Pyramid previous_;
  std::vector<FlowPoint> flow_;  // of the pair before
  double length_ = 0, residual_ = 0;
  int64_t tracked_ = 0, textured_ = 0;
  double change_ = 0, path_ = 0;
};

}  // namespace t3
