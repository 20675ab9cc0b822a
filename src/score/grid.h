// Blocks, grids and seams: steps of brightness along straight lines of the picture.
#pragma once

#include <vector>

#include "score/metric.h"

namespace t3 {

// blockiness, grid_16, grid_32, seam.
class GridOfClip : public ClipMetric {
 public:
  explicit GridOfClip(const ClipInfo& clip);
  void Add(const ScoreFrame& frame) override;
  MetricValues Finish() override;

 private:
  // Sums over frames and the other direction of |step| and of |excess step| at each border between
  // sample i and i + 1: a step less the mean of the steps on either side.
  struct Profile {
    std::vector<double> step, excess;
  };
  Profile columns_, rows_;
  double column_samples_ = 0, row_samples_ = 0;  // that each sum has
};

// Mean of `profile` at borders i with (i + 1) % period == 0, over its mean at the others; borders 1
// to size - 2 count. 1 where both are 0.
double GridRatio(const std::vector<double>& profile, int64_t period);
// Maximum over borders of the profile there over the median of the 16 borders on either side.
double SeamRatio(const std::vector<double>& profile);

}  // namespace t3
