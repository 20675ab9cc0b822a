// Where a forward's time goes: the device's time of named parts, for benchmarks.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace t3 {

// Names with their milliseconds.
using PartTimes = std::vector<std::pair<std::string, double>>;

// While one lives (one at a time), Parts are timed on `device`'s current stream.
class PartRecorder {
 public:
  explicit PartRecorder(at::Device device);
  ~PartRecorder();
  PartRecorder(const PartRecorder&) = delete;
  PartRecorder& operator=(const PartRecorder&) = delete;
  // Waits for the device. Names in the order of their first use, each with the sum of its parts.
  PartTimes Milliseconds();
};

// The scope of one part. Costs nothing to speak of while no recorder lives. Parts do not nest.
class Part {
 public:
  explicit Part(std::string_view name);
  ~Part();
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
};

}  // namespace t3
