// DOVER: the technical and the aesthetic quality of a video.
#pragma once

#include <ATen/core/Tensor.h>

#include "config/score_networks.h"
#include "models/dover/conv_next.h"
#include "models/dover/swin.h"
#include "models/dover/views.h"

namespace t3 {

// As published, each between 0 and 1: sigmoid of the branch's output, normalised by the mean and
// deviation that the authors give; fused: sigmoid of 0.6104 technical + 0.3896 aesthetic.
struct DoverScores {
  double technical = 0;
  double aesthetic = 0;
  double fused = 0;
};
DoverScores FuseDover(double technical, double aesthetic);

class Dover {
 public:
  // `tensors` as in DoverTensors(config), fp32 on one device; they are shared, not copied.
  Dover(const DoverConfig& config, const TensorMap& tensors);

  // Outputs of the branches for views (3,32,224,224), normalised, on any device.
  double Technical(const at::Tensor& view) const;
  double Aesthetic(const at::Tensor& view) const;

  // All parts of a video; the technical output is the mean over its parts.
  DoverScores Score(const DoverViews& views) const;

 private:
  struct Head {
    Linear hidden, last;
    // features (channels,T,H,W) -> the mean over all places.
    double Run(const at::Tensor& features) const;
  };
  static Head MakeHead(const TensorMap& tensors, const std::string& prefix);

  DoverSwin swin_;
  DoverConvNext conv_next_;
  Head technical_, aesthetic_;
  at::Device device_;
};

}  // namespace t3
