// Bounds on what the layers of the differentiable VAE allocate at a time.
#pragma once

#include <cstdint>

namespace t3 {

// They change results by rounding only.
struct VaeLimits {
  // Maximum number of elements of a kernel's tensor. Feature maps exceed 2^31 at 4K, where cuDNN
  // and some kernels of torch fail or become slow.
  int64_t slab_elements = int64_t{1} << 30;
  // Bytes of attention scores at a time: a whole 4K frame of VAE 2.1 has 34 GB in bf16.
  int64_t score_bytes = int64_t{1} << 31;
};

}  // namespace t3
