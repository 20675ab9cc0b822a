// The cap of the CUDA caching allocator.
#include "pipeline/memory_limit.h"

#include <c10/cuda/CUDACachingAllocator.h>

#include <algorithm>

namespace t3 {

void SetAllocatorLimit(at::Device device, int64_t bytes, int64_t total) {
  const double fraction = static_cast<double>(bytes) / static_cast<double>(total);
  c10::cuda::CUDACachingAllocator::setMemoryFraction(std::min(1.0, fraction), device.index());
}

}  // namespace t3
