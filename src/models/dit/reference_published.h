// Reference of a block: the published T3 code, operation by operation. Benchmarks compare with it.
#pragma once

#include <ATen/core/Tensor.h>

#include "config/geometry.h"
#include "config/model_config.h"
#include "nn/tensor_map.h"

namespace t3 {

// Unfused, both partitions always, windows by permuted copies, torch's default attention, rotation
// in fp64, a rounding after every operation (model.md 1). Even windows only.
class PublishedBlock {
 public:
  // Tensors of one block, names without "blocks.N.", all of one dtype.
  PublishedBlock(const DitConfig& config, const TensorMap& tensors, const Grid& grid)
      : config_(config), tensors_(tensors), grid_(grid) {}

  // x (N, dim), time (6, dim) and text (rows, dim) -> (N, dim).
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& time, const at::Tensor& text,
                        const WindowCounts& counts) const;
  // From projected q, k, v (N, dim) to the mean of the two partitions' outputs.
  at::Tensor SelfAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const WindowCounts& counts) const;

  static bool Supports(const Grid& grid, const WindowCounts& counts);

 private:
  at::Tensor Linear(const std::string& name, const at::Tensor& x) const;  // over rows
  // RMS norm over (N, dim) -> (N, heads, d).
  at::Tensor Normed(const std::string& name, const at::Tensor& x) const;
  // (N, heads, d), rotated by the tokens' places.
  at::Tensor Rotated(const at::Tensor& x) const;
  // x (N, dim), text (rows, dim) -> (N, dim).
  at::Tensor CrossAttention(const at::Tensor& x, const at::Tensor& text) const;

  const DitConfig& config_;
  const TensorMap& tensors_;
  Grid grid_;
};

}  // namespace t3
