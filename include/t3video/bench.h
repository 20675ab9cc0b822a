// Measuring the program on this machine, beside the published algorithm and full attention.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "t3video/cancel.h"
#include "t3video/progress.h"
#include "t3video/tools.h"

namespace t3 {

// Random weights of a preset's sizes. Every number is a median of `repeats` runs; what is compared
// runs in the same process, before timing each result is checked against the published algorithm's.
struct BenchRequest {
  std::string preset = "wan2.1-1.3b-t3";
  std::optional<int64_t> width, height, frames;  // absent: the preset's
  std::string windows;                           // empty: the planner's
  std::string device = "auto";
  std::string dtype = "auto";
  int64_t memory_limit = 0;  // bytes on the device; 0: all of it
  int64_t repeats = 20;
  bool compare = true;  // with the published algorithm and full attention
};

// One forward of the denoiser: time, TFLOP/s, memory, parts, and blocks by layer type.
Report BenchDit(const BenchRequest& request, const ProgressFn& progress = {},
                const CancelToken* cancel = nullptr);

// The self-attention of one layer of each type, from projected q, k, v to the mean of the windows.
Report BenchAttention(const BenchRequest& request, const ProgressFn& progress = {},
                      const CancelToken* cancel = nullptr);

}  // namespace t3
