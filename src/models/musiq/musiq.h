// MUSIQ: the quality of one picture, of any size, as a mean opinion score.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "config/score_networks.h"
#include "models/musiq/patches.h"
#include "models/musiq/stem.h"
#include "nn/linear.h"
#include "nn/tensor_map.h"

namespace t3 {

class Musiq {
 public:
  // `tensors` as in MusiqTensors(config), fp32 on one device; they are shared, not copied.
  Musiq(const MusiqConfig& config, const TensorMap& tensors);

  // picture (3,height,width), fp32 from 0 to 1, on any device -> the predicted mean opinion score,
  // in the scale of the data that the weights were trained on (KonIQ: 0 to 100). Memory grows with
  // the pixels: about 0.5 GB at 3840x2160.
  double Score(const at::Tensor& picture) const;

 private:
  struct Norm {
    at::Tensor weight, bias;  // (width)
    at::Tensor Run(const at::Tensor& x) const;
  };
  struct Block {
    Norm norm1, norm2;
    Linear query, key, value, out;
    Linear fc1, fc2;
  };

  static Norm MakeNorm(const TensorMap& tensors, const std::string& prefix);
  at::Tensor Embed(const MusiqPatches& patches) const;
  at::Tensor Attention(const Block& block, const at::Tensor& x) const;

  MusiqConfig config_;
  MusiqStem stem_;
  Linear embedding_;
  at::Tensor positions_;  // (grid^2, width)
  at::Tensor scales_;     // (scales, width)
  at::Tensor class_row_;  // (1, width)
  std::vector<Block> blocks_;
  Norm norm_;
  Linear head_;
};

}  // namespace t3
