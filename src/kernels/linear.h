// Linear layers as one matrix product each, with bias, activation and sum in its epilogue.
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

// y = act(x W^T + bias), or y += x W^T + bias; fp32 accumulation and one rounding at the end.
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
  bool gelu = false;  // tanh approximation
  bool add = false;   // to y; not together with gelu
};

// Memory that a product may use while it runs.
struct Workspace {
  void* data;
  int64_t bytes;
};

// One of the library's candidates, best guess first, for products of `asked_rows` tokens; it serves
// any number of tokens.
struct LinearAlgorithm {
  int index = 0;
  int64_t asked_rows = 0;
};

// Elements are bf16. Throws Error when the GPU refuses.
void Linear(const LinearArgs& args, const LinearAlgorithm& algorithm, const Workspace& workspace,
            Stream stream);

// How many candidates there are for args.tokens (at least 1, at most 16). Asked once for a kind of
// sizes; kept.
int LinearAlgorithms(const LinearArgs& args, const Workspace& workspace);

}  // namespace t3::kernels
