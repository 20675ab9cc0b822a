// The convolution that TAEHV's layers share.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "models/decoder/video_decoder.h"
#include "nn/tensor_map.h"

namespace t3 {

// `name`.weight (out,in,k,k) -> (out,in,1,k,k), in the layout that kernels need.
at::Tensor MapWeight(const TensorMap& tensors, const std::string& name);
// The same of any weight (out,in,kt,k,k).
at::Tensor InMapLayout(const at::Tensor& weight);
// `name`.bias (out) in fp32.
at::Tensor MapBias(const TensorMap& tensors, const std::string& name);

// x (T,R,W,in), contiguous -> (T-kt+1,R,W,out), rows and columns padded by k/2, without a bias. On
// a CPU in bands of rows, so that `poll` is called often enough. Equal bits in any number of frames
// and bands.
at::Tensor ConvolveMaps(const at::Tensor& x, const at::Tensor& weight, const PollFn& poll);

}  // namespace t3
