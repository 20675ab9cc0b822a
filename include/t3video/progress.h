// Watching long work.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace t3 {

struct ProgressEvent {
  std::string stage;         // "loading text encoder", "denoising", "decoding", ...
  int64_t done = 0;          // units of the stage that are finished
  int64_t total = 0;         // 0 when unknown
  double seconds = 0;        // since the stage began
  double seconds_left = -1;  // estimate from the pace so far; -1 when unknown
  std::string detail{};      // what else there is to say, e.g. "loss 0.123"; often empty
  std::string unit{};        // what is counted: "steps", "frames", "texts", "bytes"; or empty
  int64_t memory_bytes = 0;  // in use now, on the GPU by the allocator, on the CPU by the process
};

// Called from the thread that does the work.
using ProgressFn = std::function<void(const ProgressEvent&)>;

}  // namespace t3
