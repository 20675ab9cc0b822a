// Bounds on what the VAE's layers allocate at a time.
#pragma once

#include <cstdint>

namespace t3 {

// None of them changes a result beyond rounding.
struct VaeLimits {
  // Elements of the largest tensor that one kernel gets. Whole feature maps pass 2^31 at 4K, where
  // cuDNN and some of torch's kernels stop or become slow.
  int64_t slab_elements = int64_t{1} << 30;
  // Bytes of attention scores held at once: a whole 4K frame of VAE 2.1 has 34 GB in bf16.
  int64_t score_bytes = int64_t{1} << 31;
};

}  // namespace t3
