// Decoded pixels as a decoder gives them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace t3 {

// Rows [row, row + h) of frames [frame, frame + n).
struct DecodedRows {
  at::Tensor pixels;  // (3,n,h,W) fp32 in [-1,1], contiguous, on the model's device
  int64_t frame = 0;
  int64_t row = 0;
};
using RowSink = std::function<void(const DecodedRows& rows)>;

}  // namespace t3
