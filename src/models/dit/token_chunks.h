// Row-wise work on the tokens, in chunks within a budget of scratch memory.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/split.h>

#include <cstdint>
#include <vector>

#include "ops/execution_mode.h"
#include "plan/chunks.h"

namespace t3 {

// Rows of x per chunk whose temporaries, `channels` of x's dtype per row, fit `scratch_bytes`.
inline int64_t ChunkRows(const at::Tensor& x, int64_t channels, int64_t scratch_bytes) {
  return ChunkTokens(x.size(0), channels * static_cast<int64_t>(x.element_size()), scratch_bytes);
}

// f(rows, index of the first) on chunks of the rows of x (N, C), results stacked to (N, C'). In
// place, f may overwrite its rows and return them; the result is then x.
template <typename F>
at::Tensor MapRows(const at::Tensor& x, int64_t chunk, ExecutionMode mode, F f) {
  if (chunk >= x.size(0)) return f(x, int64_t{0});
  if (mode == ExecutionMode::kDifferentiable) {
    std::vector<at::Tensor> outputs;
    for (const at::Tensor& rows : at::split(x, chunk)) {
      outputs.push_back(f(rows, std::ssize(outputs) * chunk));
    }
    return at::cat(outputs);
  }
  at::Tensor out;
  ForEachChunk(x.size(0), chunk, [&](int64_t first, int64_t count) {
    const at::Tensor rows = x.narrow(0, first, count);
    const at::Tensor mapped = f(rows, first);
    if (mapped.const_data_ptr() == rows.const_data_ptr()) {
      out = x;
      return;
    }
    if (!out.defined()) out = at::empty({x.size(0), mapped.size(1)}, mapped.options());
    out.narrow(0, first, count).copy_(mapped);
  });
  return out;
}

}  // namespace t3
