// The cap of the CUDA caching allocator, and the name of a GPU.
#include "runtime/memory_limit.h"

#include <ATen/cuda/CUDAContextLight.h>
#include <c10/cuda/CUDACachingAllocator.h>

#include <algorithm>

namespace t3 {

void SetAllocatorLimit(at::Device device, int64_t bytes, int64_t total) {
  const double fraction = static_cast<double>(bytes) / static_cast<double>(total);
  c10::cuda::CUDACachingAllocator::setMemoryFraction(std::min(1.0, fraction), device.index());
}

std::string GpuName(at::Device device) {
  return at::cuda::getDeviceProperties(device.index())->name;
}

}  // namespace t3
