// Starting kernels. Messages are formatted in launch.cc: nvcc 13 rejects fmt 9's format strings.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/types.h"

namespace t3::kernels {

inline cudaStream_t ToCuda(Stream stream) { return static_cast<cudaStream_t>(stream); }

// Throws Error with the kernel's name if the launch before it was refused.
void CheckLaunch(const char* kernel);

// Throws Error that names the kernel where channels > most.
void CheckChannels(const char* kernel, int64_t channels, int64_t most);

// Blocks of the grid for `tokens` at `per_block`; throws Error beyond what a grid can hold.
unsigned int TokenBlocks(int64_t tokens, int64_t per_block);

// Of the current GPU; 1 where it does not tell.
int Multiprocessors();

}  // namespace t3::kernels
