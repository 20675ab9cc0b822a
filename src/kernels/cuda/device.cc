// Queries of the CUDA runtime.
#include "kernels/device.h"

#include <cuda_runtime.h>

#include "base/check.h"

namespace t3::kernels {

int ComputeCapability(int device) {
  int major = 0, minor = 0;
  const bool known =
      cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
      cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) == cudaSuccess;
  T3_CHECK(known, "cannot query the compute capability of GPU {}", device);
  return 10 * major + minor;
}

std::string GpuName(int device) {
  cudaDeviceProp properties{};
  T3_CHECK(cudaGetDeviceProperties(&properties, device) == cudaSuccess,
           "cannot query the name of GPU {}", device);
  return properties.name;
}

int Multiprocessors() {
  int device = 0, processors = 1;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  return processors;
}

}  // namespace t3::kernels
