// What the ops on the VAE's feature maps share. Maps are (frames, rows, columns, channels); each
// frame is contiguous, frames may lie apart (a range of rows of a larger map).
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>

namespace t3 {

// Throw Error that names `op` unless x is a map, and unless `out` is a contiguous one; or if either
// needs a gradient, which these ops do not have.
void CheckMap(const at::Tensor& x, const char* op);
void CheckOverwritten(const at::Tensor& out, const char* op);

// Whether kernels can read the map: on a GPU, fp32 or bf16, whole aligned 16-byte vectors of
// channels, fewer than 2^31 of them.
bool SupportsMapKernel(const at::Tensor& x);

// Calls f(frame, first row, rows) on bands of rows [begin, end) of every frame: the references'
// temporaries are fp32 and must stay small.
template <typename F>
void ForEachBand(int64_t frames, int64_t begin, int64_t end, int64_t row_elements, F f) {
  constexpr int64_t kBandElements = int64_t{1} << 22;
  const int64_t step = std::max<int64_t>(kBandElements / std::max<int64_t>(row_elements, 1), 1);
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t row = begin; row < end; row += step) f(t, row, std::min(step, end - row));
  }
}

}  // namespace t3
