// The gradient of the gated residual on the GPU.
#pragma once

#include "kernels/token_rows.h"

namespace t3::kernels {

// out = x + gate * y; `d` is the gradient of out, and so of x.
struct AddGatedBackwardArgs {
  TokenRows tokens;
  const void* d;
  const void* y;
  void* dy;
  const float* gate;  // (rows, channels)
  float* gate_sums;   // partial sums (TokenRows)
};
void LaunchAddGatedBackward(const AddGatedBackwardArgs& args, Stream stream);

}  // namespace t3::kernels
