// PSNR and SSIM of a clip against a reference clip of the same size.
#pragma once

#include "score/metric.h"
#include "score/plane.h"

namespace t3 {

// psnr_y and psnr_rgb of the mean square error over all frames.
class PsnrOfClip : public ClipMetric {
 public:
  explicit PsnrOfClip(const ClipInfo&) {}
  void Add(const ScoreFrame& frame) override;
  MetricValues Finish() override;

 private:
  double luma_ = 0, rgb_ = 0;  // sums of the frames' mean square errors, levels squared
  int64_t frames_ = 0;
};

// Mean SSIM of two pictures of luma (Wang et al. 2004): Gaussian windows of 11x11 pixels, standard
// deviation 1.5, over the positions where the window is inside.
double SsimOf(PlaneView a, PlaneView b);

}  // namespace t3
