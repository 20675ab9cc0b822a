// Blocks in host memory.
#include "models/dit/host_weights.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "arch/dit.h"
#include "base/check.h"
#include "models/dit/weights.h"
#include "plan/denoiser_memory.h"

namespace t3 {
namespace {

constexpr int64_t kAlignment = 256;  // of a tensor's first byte, as libtorch's allocators give it

int64_t Aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// q, k and v of the self-attention go first, weights before biases, without gaps between the three.
int PackedRank(const std::string& name) {
  constexpr const char* kPacked[] = {
      "self_attn.q.weight",       "self_attn.k.weight",       "self_attn.v.weight",
      "self_attn.q.bias",         "self_attn.k.bias",         "self_attn.v.bias",
      "self_attn.q.weight_scale", "self_attn.k.weight_scale", "self_attn.v.weight_scale"};
  return static_cast<int>(std::ranges::find(kPacked, name) - std::begin(kPacked));
}

bool FollowsWithoutGap(const std::string& name) {
  return name.starts_with("self_attn.k.") || name.starts_with("self_attn.v.");
}

}  // namespace

BlockLayout::BlockLayout(const DitConfig& config, at::ScalarType dtype, bool fp8)
    : dtype_(dtype), fp8_(fp8) {
  const std::string prefix = "blocks.0.";
  for (const TensorSpec& spec : DitTensors(config)) {
    if (!spec.name.starts_with(prefix)) continue;
    const std::string name = spec.name.substr(prefix.size());
    if (fp8 && IsFp8Weight(spec.name)) {
      entries_.push_back({name, spec.shape, at::kFloat8_e4m3fn});
      entries_.push_back({name + "_scale", {spec.shape[0]}, at::kFloat});
    } else {
      entries_.push_back({name, spec.shape, IsFloatTensor(spec.name) ? at::kFloat : dtype});
    }
  }
  std::ranges::stable_sort(entries_, {}, [](const Entry& e) { return PackedRank(e.name); });
  for (Entry& entry : entries_) {
    entry.first = FollowsWithoutGap(entry.name) ? bytes_ : Aligned(bytes_);
    int64_t elements = 1;
    for (const int64_t size : entry.shape) elements *= size;
    bytes_ = entry.first + elements * static_cast<int64_t>(c10::elementSize(entry.dtype));
  }
  bytes_ = Aligned(bytes_);
}

TensorMap BlockLayout::Views(const at::Tensor& memory, const std::string& prefix) const {
  T3_CHECK(memory.dim() == 1 && memory.size(0) == bytes_ && memory.scalar_type() == at::kByte,
           "BlockLayout: memory ({}) {}; wanted {} bytes", fmt::join(memory.sizes(), ", "),
           c10::toString(memory.scalar_type()), bytes_);
  TensorMap views;
  for (const Entry& entry : entries_) {
    int64_t bytes = static_cast<int64_t>(c10::elementSize(entry.dtype));
    for (const int64_t size : entry.shape) bytes *= size;
    views[prefix + "." + entry.name] =
        memory.narrow(0, entry.first, bytes).view(entry.dtype).view(entry.shape);
  }
  return views;
}

HostWeights::HostWeights(const DitConfig& config, at::ScalarType dtype, bool pinned, bool fp8)
    : layout_(config, dtype, fp8) {
  const int64_t blocks_a_chunk = HostChunkBlocks(layout_.bytes());
  const auto options = at::TensorOptions(at::kByte).pinned_memory(pinned);
  for (int64_t first = 0; first < config.num_layers; first += blocks_a_chunk) {
    const int64_t count = std::min(blocks_a_chunk, config.num_layers - first);
    const at::Tensor chunk = at::empty({count, layout_.bytes()}, options);
    for (int64_t i = 0; i < count; ++i) {
      blocks_.push_back(chunk[i]);
      places_.merge(layout_.Views(chunk[i], fmt::format("blocks.{}", first + i)));
    }
  }
}

BlockStream::CopyFn HostWeights::CopyInto(const BlockLayout& to) const {
  if (to.dtype() == layout_.dtype()) {
    return [](const at::Tensor& buffer, const at::Tensor& block) {
      buffer.copy_(block, /*non_blocking=*/true);
    };
  }
  return [from = layout_, to](const at::Tensor& buffer, const at::Tensor& block) {
    const TensorMap targets = to.Views(buffer, "block");
    for (const auto& [name, source] : from.Views(block, "block")) targets.at(name).copy_(source);
  };
}

at::Tensor HostWeights::Place(const std::string& name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? at::Tensor() : found->second;
}

}  // namespace t3
