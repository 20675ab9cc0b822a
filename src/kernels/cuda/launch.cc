// Starting kernels: checks on the host.
#include "kernels/cuda/launch.h"

#include "base/check.h"

namespace t3::kernels {

void CheckLaunch(const char* kernel) {
  const cudaError_t error = cudaGetLastError();
  T3_CHECK(error == cudaSuccess, "the GPU did not start {}: {} (built for sm_80 and later)", kernel,
           cudaGetErrorString(error));
}

void CheckChannels(const char* kernel, int64_t channels, int64_t most) {
  T3_CHECK(channels <= most, "{} of {} channels; at most {}", kernel, channels, most);
}

unsigned int TokenBlocks(int64_t tokens, int64_t per_block) {
  const int64_t blocks = (tokens + per_block - 1) / per_block;
  T3_CHECK(blocks <= INT32_MAX, "{} tokens are more than one kernel takes", tokens);
  return static_cast<unsigned int>(blocks);
}

int Multiprocessors() {
  int device = 0, processors = 1;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  return processors;
}

int ComputeCapability(int device) {
  int major = 0, minor = 0;
  const bool known =
      cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
      cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) == cudaSuccess;
  T3_CHECK(known, "GPU {} does not tell its compute capability", device);
  return 10 * major + minor;
}

}  // namespace t3::kernels
