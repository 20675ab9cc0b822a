// Softmax of long rows on the GPU. A row stays on the chip: one read, one write.
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

struct SoftmaxArgs {
  void* x;  // (rows, columns), contiguous bf16, overwritten
  int64_t rows;
  int64_t columns;
};
// Shorter rows leave threads idle; longer ones do not fit a multiprocessor's shared memory.
constexpr int64_t kSoftmaxMinColumns = 16384;
int64_t SoftmaxMaxColumns(int device);

// Computed in fp32; exp is scaled to at most 2^15 and stored in fp16 until the sum is known
// (relative error 2^-12).
void LaunchSoftmax(const SoftmaxArgs& args, Stream stream);

}  // namespace t3::kernels
