// Linear layers as one matrix product each; bias, activation and sum run in its epilogue.
#pragma once

#include <string>

#include "kernels/types.h"

namespace t3::kernels {

// y = act(x W^T + bias), or y += x W^T + bias; fp32 accumulation, one rounding at the end.
//
// Elements are bf16. With scales x and weight are e4m3 codes instead, and the product of token t
// and output channel o is multiplied by x_scale[t] weight_scale[o] before the bias; x_stride and
// `in` are then multiples of 16. For GPUs of capability 9.0.
struct LinearArgs {
  const void* x;  // (tokens, in)
  int64_t x_stride;
  const void* weight;  // (out, in), contiguous
  const void* bias;    // (out)
  void* y;             // (tokens, out)
  int64_t y_stride;
  int64_t tokens;
  int64_t in;
  int64_t out;
  bool gelu = false;                    // tanh approximation
  bool add = false;                     // to y; not together with gelu
  const float* x_scale = nullptr;       // (tokens)
  const float* weight_scale = nullptr;  // (out); both or neither

  bool fp8() const { return x_scale != nullptr; }
};

// Memory that a product may use while it runs.
struct Workspace {
  void* data;
  int64_t bytes;
};

// Number `index` of cuBLASLt's candidates for products of `heuristic_rows` tokens, best guess
// first. It can run products of any number of tokens.
struct LinearAlgorithm {
  int index = 0;
  int64_t heuristic_rows = 0;
};

// Throws Error if the GPU refuses.
void LaunchLinear(const LinearArgs& args, const LinearAlgorithm& algorithm,
                  const Workspace& workspace, Stream stream);

// The GPU's name and cuBLASLt's version, for which numbers of candidates hold.
std::string CublasMachine(int device);

// Candidates for args.tokens, 1 to 16. The first call for a size asks cuBLASLt; later ones do not.
int CountLinearAlgorithms(const LinearArgs& args, const Workspace& workspace);

}  // namespace t3::kernels
