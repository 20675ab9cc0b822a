// Softmax of long rows on the GPU, read once and written once: a row stays on the chip.
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

struct SoftmaxArgs {
  void* x;  // (rows, columns), contiguous bf16, overwritten
  int64_t rows;
  int64_t columns;
};
// Shorter rows leave threads idle,
constexpr int64_t kSoftmaxLeastColumns = 16384;
// longer ones do not fit a multiprocessor.
int64_t SoftmaxMostColumns(int device);

// x - max, exp, divided by the sum: in fp32, but that exp, whose largest is 2^15, is held in fp16
// (2^-12 of its value off at most) until the sum is known.
void Softmax(const SoftmaxArgs& args, Stream stream);

}  // namespace t3::kernels
