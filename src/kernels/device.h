// What kernels need to know about a GPU.
#pragma once

#include <string>

namespace t3::kernels {

// 10 * major + minor of the device's compute capability, e.g. 90.
int ComputeCapability(int device);

// "NVIDIA H200".
std::string GpuName(int device);

// Of the current GPU; 1 if it cannot be queried.
int Multiprocessors();

}  // namespace t3::kernels
