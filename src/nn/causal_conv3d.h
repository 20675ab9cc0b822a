// 3-D convolution that is causal in time and can be fed a video in chunks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "nn/tensor_map.h"

namespace t3 {

// The last input frames of a causal convolution, (B,C,n,H,W), n = kernel - stride in time, which
// the next chunk reads. Undefined before the first chunk.
struct CausalCache {
  at::Tensor frames;
};

// Pads rows and columns by half the kernel, time on the left only. Stride 1 in space.
struct CausalConv3d {
  at::Tensor weight;           // (out, in, kt, kh, kw), kh and kw odd
  at::Tensor bias;             // (out) or undefined
  int64_t time_stride = 1;     // at most kt
  int64_t slab_elements = -1;  // maximum elements of a kernel's tensor, see row_slabs.h

  CausalConv3d() = default;
  // Takes `prefix`.weight and, if the map has it, `prefix`.bias.
  CausalConv3d(const TensorMap& tensors, const std::string& prefix, int64_t max_slab_elements,
               int64_t stride_in_time = 1);

  // x (B,in,T,H,W) -> (B,out,T/time_stride,H,W), in the memory format of x. `cache` has the
  // frames before x (undefined: zeros) and is updated to the last frames of x. T is a multiple of
  // time_stride.
  at::Tensor operator()(const at::Tensor& x, CausalCache& cache) const;
  // The same for a kernel of one frame, which needs no cache.
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  int64_t history() const { return weight.size(2) - time_stride; }
};

}  // namespace t3
