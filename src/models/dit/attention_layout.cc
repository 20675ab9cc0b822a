// Partitions of every layer as device tensors.
#include "models/dit/attention_layout.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/check.h"
#include "plan/partition.h"

namespace t3 {
namespace {

WindowPartition ToDevice(Partition partition, at::Device device) {
  at::Tensor order;
  if (!partition.in_token_order) {
    order = at::from_blob(partition.order.data(), {static_cast<int64_t>(partition.order.size())},
                          at::TensorOptions().dtype(at::kInt))
                .clone();
  }
  return WindowPartition::Make(order, std::move(partition.groups), device);
}

}  // namespace

AttentionLayout AttentionLayout::Make(AttentionPattern pattern, const WindowCycle& cycle,
                                      const Grid& grid, int64_t layers, int64_t head_dim,
                                      at::Device device) {
  AttentionLayout result;
  result.grid_ = grid;
  result.rope_ = RopeTables::Make(grid.t, grid.h, grid.w, head_dim, device);
  const auto cycle_size = static_cast<int64_t>(cycle.size());
  const int64_t layouts = std::min(layers, LayoutCount(pattern, cycle_size));
  for (int64_t i = 0; i < layouts; ++i) {
    std::vector<WindowPartition> partitions;
    for (Partition& partition : LayerPartitions(pattern, cycle, grid, i)) {
      partitions.push_back(ToDevice(std::move(partition), device));
    }
    result.layouts_.push_back(std::move(partitions));
  }
  for (int64_t i = 0; i < layers; ++i) {
    result.layout_of_layer_.push_back(LayoutIndex(pattern, cycle_size, i));
  }
  return result;
}

AttentionLayout AttentionLayout::Repeat(int64_t videos) const {
  T3_CHECK(videos_ == 1, "AttentionLayout: already repeated for {} videos", videos_);
  AttentionLayout result = *this;
  result.videos_ = videos;
  for (std::vector<WindowPartition>& partitions : result.layouts_) {
    for (WindowPartition& partition : partitions) partition = partition.Repeat(videos);
  }
  return result;
}

AttentionLayout AttentionLayout::Share(RankGroup& group, ExecutionMode mode) const {
  T3_CHECK(videos_ == 1, "AttentionLayout: {} videos cannot be shared by ranks", videos_);
  AttentionLayout result = *this;
  const TokenShard& shard = result.shard_.emplace(group, grid_.tokens());
  if (mode == ExecutionMode::kDifferentiable)
    result.rope_ = rope_.Slice(shard.first(), shard.count());
  return result;
}

}  // namespace t3
