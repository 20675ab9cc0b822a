// Bias and residual of the VAE's feature maps on the GPU (reference: ops/feature_map/add_map.cc).
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

struct AddMapArgs {
  DType type;
  void* y;  // (frames, frame_positions, channels), contiguous, overwritten by y + bias + x
  const void* x;
  int64_t x_frame_stride;
  int64_t frames;
  int64_t frame_positions;  // rows * columns
  int64_t channels;
  const float* bias;  // (channels)
};
void LaunchAddMap(const AddMapArgs& args, Stream stream);

}  // namespace t3::kernels
