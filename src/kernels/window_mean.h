// From window order back to token order, averaging the partitions, on the GPU.
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

struct WindowMeanArgs {
  DType type;
  int64_t tokens;
  int64_t channels;
  int sources;  // 1: out = a; 2: out = (a + b) / 2
  struct Source {
    const void* data = nullptr;     // (tokens, channels), contiguous, in window order
    const int32_t* rows = nullptr;  // (tokens): token -> row; nullptr: row = token
  } source[2];
  void* out;  // (tokens, channels) in token order
  int64_t out_stride;
};
void LaunchWindowMean(const WindowMeanArgs& args, Stream stream);

}  // namespace t3::kernels
