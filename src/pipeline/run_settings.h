// How a run uses the machine, decided.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <string>

#include "base/check.h"
#include "pipeline/memory_check.h"
#include "t3video/options.h"

namespace t3 {

inline ComputeDtype ToComputeDtype(at::ScalarType dtype) {
  if (dtype == at::kFloat8_e4m3fn) return ComputeDtype::kFp8;
  return dtype == at::kBFloat16 ? ComputeDtype::kBf16 : ComputeDtype::kFp32;
}

// Throws Error of kind kUsage where that is not a number of GPUs.
inline void CheckGpus(int64_t gpus) {
  if (gpus < 1) FailUsage("`gpus` {} is not a number of GPUs; wanted 1 or more", gpus);
}

// Ranks that share a run with these options. Throws as CheckGpus does.
inline int64_t RanksOf(const RunOptions& options) {
  if (options.gpus) CheckGpus(*options.gpus);
  return options.ranks.size > 1 ? options.ranks.size : options.gpus.value_or(1);
}

struct RunSettings {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  MemoryLimits limits;
  int64_t kept_bytes = 0;  // of networks in memory that make room where a run needs it
  ModelFiles files;        // as given
  RunOptions options;      // as given

  std::string DtypeName() const { return std::string(ComputeDtypeName(ToComputeDtype(dtype))); }
};

}  // namespace t3
