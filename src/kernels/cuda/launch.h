// Kernel launches. Messages are formatted in launch.cc: nvcc 13 rejects fmt 9's format strings.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/types.h"

namespace t3::kernels {

inline cudaStream_t ToCuda(Stream stream) { return static_cast<cudaStream_t>(stream); }

// Throws Error with the kernel's name if the preceding launch was refused.
void CheckLaunch(const char* kernel);

// Throws Error that names the kernel if channels > max_channels.
void CheckChannels(const char* kernel, int64_t channels, int64_t max_channels);

// Blocks of the grid for `tokens` at `per_block`; throws Error beyond what a grid can hold.
unsigned int TokenBlocks(int64_t tokens, int64_t per_block);

}  // namespace t3::kernels
