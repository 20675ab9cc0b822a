// Reference of a block: its formulas, one token at a time. Tests compare the block with it.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "config/geometry.h"
#include "config/model_config.h"
#include "nn/tensor_map.h"

namespace t3 {

// Applied after every operation that the published bf16 code rounds; NoRounding for the formulas.
using Rounding = std::function<at::Tensor(const at::Tensor&)>;
at::Tensor NoRounding(const at::Tensor& x);
at::Tensor Bf16Rounding(const at::Tensor& x);  // the nearest bf16 value, in x's dtype

struct ReferenceInput {
  const DitConfig& config;
  const TensorMap& weights;  // of the block, names as in the file without "blocks.N."
  Grid grid;
  WindowCounts counts;
  at::Tensor x;     // (N, dim), any dtype
  at::Tensor time;  // (6, dim) fp32
  at::Tensor text;  // (rows, dim) after text_embedding
};

// Tokens of the close and of the remote window of `token`, by the two formulas of model.md 1.
std::vector<int64_t> CloseWindowOf(const Grid& grid, const WindowCounts& counts, int64_t token);
std::vector<int64_t> RemoteWindowOf(const Grid& grid, const WindowCounts& counts, int64_t token);

// Rows of softmax attention of `token` inside one window, before the output projection. Reads the
// rows of x that the window has and nothing else.
at::Tensor ReferenceWindowAttention(const ReferenceInput& in, int64_t token,
                                    const std::vector<int64_t>& window, const Rounding& round);

// The block's output for `token`, (dim) in fp32, T3 attention.
at::Tensor ReferenceBlock(const ReferenceInput& in, int64_t token, const Rounding& round);

}  // namespace t3
