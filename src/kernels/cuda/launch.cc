// Host-side checks of kernel launches.
#include "kernels/cuda/launch.h"

#include "base/check.h"

namespace t3::kernels {

void CheckLaunch(const char* kernel) {
  const cudaError_t error = cudaGetLastError();
  T3_CHECK(error == cudaSuccess, "the GPU did not start {}: {} (built for sm_80 and later)", kernel,
           cudaGetErrorString(error));
}

void CheckChannels(const char* kernel, int64_t channels, int64_t max_channels) {
  T3_CHECK(channels <= max_channels, "{} of {} channels; at most {}", kernel, channels,
           max_channels);
}

unsigned int TokenBlocks(int64_t tokens, int64_t per_block) {
  const int64_t blocks = (tokens + per_block - 1) / per_block;
  T3_CHECK(blocks <= INT32_MAX, "{} tokens are too many for one kernel launch", tokens);
  return static_cast<unsigned int>(blocks);
}

}  // namespace t3::kernels
