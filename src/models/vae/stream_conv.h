// The causal convolution of the streaming decoder: rows of frames, a chunk at a time.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>

#include "models/vae/map_rows.h"
#include "nn/tensor_map.h"
#include "ops/conv/causal_conv.h"
#include "ops/feature_map/norm_silu.h"

namespace t3 {

// Called between pieces of work of well under a second; may throw to stop.
using PollFn = std::function<void()>;

// Convolution over three frames, causal, whose input (two kept frames, halo rows, and what is
// applied to x) is assembled in one pass over x. For inference.
class StreamConv {
 public:
  struct State {
    at::Tensor cache;  // ConvCacheShape; undefined: zeros
  };

  // Takes `prefix`.{weight,bias}; output channels are filled up to `padded_out` with zeros.
  StreamConv(const TensorMap& tensors, const std::string& prefix, int64_t padded_out = 0,
             int64_t time_stride = 1);

  // Rows `made` of the convolution of apply(x), WITHOUT the bias, which whoever reads the result
  // adds on the way. x holds rows made.Grown(halo) at least.
  MapRows operator()(MapRows x, const NormSiluOptions& apply, const RowRange& made, State& state,
                     const PollFn& poll) const;

  // For ops/conv/causal_conv.h. Whether there is a kernel that makes rows `made` of x's frames;
  bool HasKernel(const MapRows& x, const RowRange& made) const;
  // what it reads, the kept frames and room for new ones;
  CausalMaps EmptyMaps(const MapRows& x, const RowRange& made, State& state) const;
  // which are made of x so, where they are not made by a kernel;
  void Fill(const MapRows& x, const NormSiluOptions& apply, const RowRange& made,
            const at::Tensor& frames) const;
  // and the last of which are kept, once the kernel has been started.
  static void Keep(const CausalMaps& maps);

  const std::string& name() const { return name_; }  // of its Part
  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }  // (out) fp32

 private:
  int64_t halo() const { return weight_.size(3) / 2; }
  int64_t kept() const { return 3 - time_stride_; }  // frames
  // Zeros before a video's first pass.
  void Prepare(const MapRows& x, const RowRange& made, State& state) const;
  at::Tensor Convolve(const at::Tensor& input, const PollFn& poll) const;

  at::Tensor weight_;  // (out,in,3,k,k), k 1 or 3
  at::Tensor bias_;
  int64_t time_stride_;
  std::string name_;
};

}  // namespace t3
