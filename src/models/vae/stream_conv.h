// The causal convolution of the streaming VAE: rows of frames, a pass at a time.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "models/decoder/video_decoder.h"
#include "models/vae/map_rows.h"
#include "models/vae/stream_cache.h"
#include "nn/tensor_map.h"
#include "ops/conv/causal_conv.h"
#include "ops/feature_map/norm_silu.h"
#include "plan/stream_shapes.h"

namespace t3 {

// Causal convolution over three frames. Its input (history, halo rows, norm and SiLU of x) is
// written in one pass over x. For inference.
class StreamConv {
 public:
  // Takes `prefix`.{weight,bias}; output channels are padded to `padded_out` with zeros.
  StreamConv(const TensorMap& tensors, const std::string& prefix, int64_t padded_out = 0,
             int64_t time_stride = 1);

  // Output rows `rows` of the convolution of apply(x), WITHOUT the bias, which whoever reads the
  // result adds in the same pass. x holds at least rows.Grown(halo).
  MapRows operator()(MapRows x, const NormSiluOptions& apply, const RowRange& rows,
                     StreamCache& cache, const PollFn& poll) const;

  // Custom kernels (ops/conv/causal_conv.h) fuse the convolution with what follows it. They read
  // the cache where it is, and the new frames from a buffer of their own.
  //
  // Whether there is such a kernel for output rows `rows` and it is the faster choice.
  bool SupportsFusion(const MapRows& x, const RowRange& rows) const;
  // An uninitialised buffer for the new frames, (frames, rows + 2, columns, in).
  at::Tensor NewFrames(const MapRows& x, const RowRange& rows) const;
  // Fills such a buffer with apply(x), zeros beyond the edges of the frame.
  void FillFrames(const MapRows& x, const NormSiluOptions& apply, const RowRange& rows,
                  const at::Tensor& frames) const;
  // `next` of the convolution into `out`, the buffer of the next one, whose row 0 is row
  // `first_row` of the result.
  void ConvolveNormSilu(const at::Tensor& frames, const NormSiluOptions& next, int64_t first_row,
                        const at::Tensor& out, StreamCache& cache) const;
  // The convolution, its bias and `residual` in one sum.
  at::Tensor ConvolveAdd(const at::Tensor& frames, const at::Tensor& residual,
                         StreamCache& cache) const;

  const at::Tensor& bias() const { return bias_; }  // (out) fp32

 private:
  ConvShapes Shapes(const MapRows& x, const RowRange& rows) const;
  int64_t halo() const { return weight_.size(3) / 2; }
  // What a custom kernel reads.
  CausalMaps Maps(const at::Tensor& frames, StreamCache& cache) const;
  at::Tensor Convolve(const at::Tensor& input, const ConvShapes& shapes, const PollFn& poll) const;

  at::Tensor weight_;  // (out,in,3,k,k), k 1 or 3
  at::Tensor bias_;
  int64_t time_stride_;
  std::string name_;  // in profiles
};

}  // namespace t3
