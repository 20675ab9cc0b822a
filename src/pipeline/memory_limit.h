// The cap of libtorch's device allocator. cuda/ implements it; no_cuda/ has no device to cap.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

namespace t3 {

// The allocator of `device` never holds more than `bytes` of its `total` bytes.
void SetAllocatorLimit(at::Device device, int64_t bytes, int64_t total);

}  // namespace t3
