// What only the CUDA runtime knows of a GPU. cuda/ implements it; no_cuda/ has no GPU.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string>

namespace t3 {

// The allocator of `device` never holds more than `bytes` of its `total` bytes.
void SetAllocatorLimit(at::Device device, int64_t bytes, int64_t total);

// As the driver names it: "NVIDIA H200".
std::string GpuName(at::Device device);

}  // namespace t3
