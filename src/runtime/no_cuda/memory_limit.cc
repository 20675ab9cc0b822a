// Without CUDA no device allocator exists, and ResolveDevice never returns a GPU.
#include "runtime/memory_limit.h"

#include "base/check.h"

namespace t3 {

void SetAllocatorLimit(at::Device, int64_t, int64_t) {
  Fail("a device memory limit was set in a build without CUDA");
}

std::string GpuName(at::Device) { Fail("a GPU's name was asked for in a build without CUDA"); }

}  // namespace t3
