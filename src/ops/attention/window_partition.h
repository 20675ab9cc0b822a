// The windows of one partition, with its indices on the device.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "plan/window_group.h"

namespace t3 {

// Every token in exactly one window (plan/partition.h).
struct WindowPartition {
  at::Tensor order;  // (N) int32, row -> token; undefined if rows are in token order
  at::Tensor rows;   // (N) int32, token -> row, the inverse; undefined likewise
  std::vector<WindowGroup> groups;

  // `order` (N) int32 on the CPU, or undefined for token order.
  static WindowPartition Make(const at::Tensor& order, std::vector<WindowGroup> groups,
                              at::Device device);
  // The partition of `videos` videos whose tokens follow one another: each has these windows, and
  // windows of one length still form one group. Throws Error beyond 2^31 tokens.
  WindowPartition Repeat(int64_t videos) const;
};

}  // namespace t3
