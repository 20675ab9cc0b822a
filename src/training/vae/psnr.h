// Peak signal to noise ratio of a VAE's reconstructions.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "models/vae/vae.h"

namespace t3 {

// 10 log10(4 / mean squared difference) in dB, for values in [-1,1]; infinite for equal tensors,
// NaN where a value is. Throws Error for different shapes.
double Psnr(const at::Tensor& a, const at::Tensor& b);

struct PsnrReport {
  std::vector<double> clips;  // dB, in order
  double mean = 0;            // of `clips`
  double worst = 0;           // the smallest, NaN if one is NaN
};

// Encodes `clips` videos (3,F,H,W) in [-1,1], given one at a time by `clip`, to the posterior's
// mean, decodes them as generation does (clamped) and compares. Without gradients. Throws Error
// without clips.
PsnrReport EvaluateVae(const Vae& vae, int64_t clips,
                       const std::function<at::Tensor(int64_t index)>& clip);

}  // namespace t3
