// How convolutions ran: which implementation, and how far from the reference.
#pragma once

#include <cstdint>

namespace t3 {

// Convolution shapes by what ran them.
struct ConvolutionCounts {
  int64_t custom = 0;      // this program's kernel
  int64_t from_table = 0;  // the plan that a file of convolution plans names
  int64_t timed = 0;       // the fastest of several plans
  int64_t first = 0;       // cuDNN's first plan: rare shapes, or one choice allowed
  int64_t libtorch = 0;    // cuDNN's plans were refused
  int64_t stale = 0;       // entries of the table that name no plan; counted above as well
};

// Convolutions compared with libtorch's.
struct ConvolutionCheck {
  int64_t checked = 0;
  int64_t wrong = 0;      // further off than bf16 rounds
  double difference = 0;  // the largest, relative (L2)
};

}  // namespace t3
