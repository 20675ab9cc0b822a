// The window partitions of every layer, on the device.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "config/attention.h"
#include "config/geometry.h"
#include "models/dit/token_shard.h"
#include "ops/attention/rope.h"
#include "ops/attention/window_partition.h"
#include "ops/execution_mode.h"

namespace t3 {

// Created once per run for a grid; layers with the same windows share their index tensors.
//
// A batch is `videos` videos of the grid, their tokens one after the other; attention runs on the
// windows of all of them together.
class AttentionLayout {
 public:
  // `cycle` as in config/geometry.h (ignored by kFull); head_dim fixes the RoPE tables. Throws
  // Error of kind kUsage if the windows do not fit the grid.
  static AttentionLayout Make(AttentionPattern pattern, const WindowCycle& cycle, const Grid& grid,
                              int64_t layers, int64_t head_dim, at::Device device);

  // The same for a batch.
  AttentionLayout Repeat(int64_t videos) const;
  // The same for a forward in `mode` that the ranks of `group` share; not for a batch.
  AttentionLayout Share(RankGroup& group, ExecutionMode mode) const;

  const Grid& grid() const { return grid_; }
  int64_t videos() const { return videos_; }
  // Of all tokens; of this rank's for a differentiable forward that ranks share.
  const RopeTables& rope() const { return rope_; }
  // What this rank has of the tokens; nullptr: all of them.
  const TokenShard* shard() const { return shard_ ? &*shard_ : nullptr; }
  int64_t layers() const { return static_cast<int64_t>(layout_of_layer_.size()); }
  // One or two partitions, whose outputs are averaged.
  const std::vector<WindowPartition>& layer(int64_t i) const {
    return layouts_[layout_of_layer_[i]];
  }

 private:
  Grid grid_;
  int64_t videos_ = 1;
  RopeTables rope_;
  std::optional<TokenShard> shard_;
  std::vector<std::vector<WindowPartition>> layouts_;
  std::vector<int64_t> layout_of_layer_;
};

}  // namespace t3
