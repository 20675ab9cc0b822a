// From timesteps to the vectors that modulate every block.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "config/model_config.h"
#include "models/dit/weights.h"

namespace t3 {

// Vectors of K timesteps, fp32.
struct TimeVectors {
  at::Tensor head;    // (K, dim): the embedding t, which the head adds to its modulation
  at::Tensor blocks;  // (K, 6, dim): the projection, which every block adds to its modulation
};

// Always in fp32: the published bf16 run rounds the timestep itself (by up to 1.98 of 1000), and
// that is half of its distance from fp32.
class TimeEmbedding {
 public:
  TimeEmbedding(const DitConfig& config, const TensorMap& tensors);
  // Timesteps in [0, 1000].
  TimeVectors operator()(const std::vector<double>& timesteps) const;

 private:
  int64_t freq_dim_;
  Linear in_, out_, projection_;
};

}  // namespace t3
