// What a linear layer reads.
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

namespace t3 {

// A matrix (N, in), or its rows as e4m3 codes with a scale each (fp8/quantise.h). Layers with e4m3
// weights quantise a matrix themselves; producers that can give codes save a pass over it.
struct LinearInput {
  // Implicit: a matrix is the usual input.
  LinearInput(at::Tensor matrix) : values(std::move(matrix)) {}
  LinearInput(at::Tensor codes, at::Tensor row_scale)
      : values(std::move(codes)), scale(std::move(row_scale)) {}

  at::Tensor values;
  at::Tensor scale{};  // (N) fp32 of codes, else undefined

  bool fp8() const { return scale.defined(); }
  int64_t rows() const { return values.size(0); }
  // Scales move where kernels could not read them from `first` on, 16 bytes at a time.
  LinearInput Slice(int64_t first, int64_t count) const {
    const at::Tensor rows = values.narrow(0, first, count);
    if (!fp8()) return rows;
    const at::Tensor scales = scale.narrow(0, first, count);
    return {rows, first % 4 == 0 ? scales : scales.clone()};
  }
};

}  // namespace t3
