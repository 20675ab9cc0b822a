// The gated residual on the GPU (reference: ops/modulate/modulate.cc).
#pragma once

#include "kernels/types.h"
#include "kernels/vector_rows.h"

namespace t3::kernels {

// out = x + gate * y.
struct AddGatedArgs {
  const void* x;  // (tokens, channels)
  const void* y;  // same shape and type
  void* out;      // same shape, type and row stride as x; may be x
  DType type;
  int64_t x_stride;
  int64_t y_stride;
  int64_t tokens;
  int64_t channels;
  const float* gate;  // (rows, channels) fp32
  VectorRows rows;
};
void LaunchAddGated(const AddGatedArgs& args, Stream stream);

}  // namespace t3::kernels
