// The double buffer.
#include "models/dit/block_stream.h"

#include <ATen/ATen.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "base/check.h"

namespace t3 {

BlockStream::BlockStream(std::vector<at::Tensor> blocks, at::Device device)
    : BlockStream(blocks, device, blocks.empty() ? 0 : blocks.front().numel(),
                  [](const at::Tensor& buffer, const at::Tensor& block) {
                    buffer.copy_(block, /*non_blocking=*/true);
                  }) {}

BlockStream::BlockStream(std::vector<at::Tensor> blocks, at::Device device, int64_t buffer_bytes,
                         CopyFn copy)
    : blocks_(std::move(blocks)), device_(device), copy_(std::move(copy)) {
  T3_CHECK(!blocks_.empty(), "BlockStream: no blocks");
  for (const at::Tensor& block : blocks_) {
    T3_CHECK(block.is_cpu() && block.dim() == 1 && block.scalar_type() == at::kByte &&
                 block.is_contiguous() && block.size(0) == blocks_.front().size(0),
             "BlockStream: blocks are ({}) {} on {}; wanted bytes on the host, all of one size",
             fmt::join(block.sizes(), ", "), c10::toString(block.scalar_type()),
             block.device().str());
  }
  for (at::Tensor& buffer : buffers_) {
    buffer = at::empty({buffer_bytes}, at::TensorOptions(at::kByte).device(device_));
  }
  if (!device_.is_cuda()) return;
  const c10::impl::VirtualGuardImpl guard(device_.type());
  overlap_.emplace(Overlap{guard.getStreamFromGlobalPool(device_),
                           c10::Event(device_.type()),
                           {c10::Event(device_.type()), c10::Event(device_.type())}});
}

BlockStream::~BlockStream() {
  if (overlap_) overlap_->copying.synchronize();
}

c10::Stream BlockStream::Computing() const {
  return c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
}

void BlockStream::Copy(int64_t block, int into) {
  const auto slot = static_cast<size_t>(into);
  holds_[slot] = block;
  ++copies_;
  const at::Tensor& from = blocks_[static_cast<size_t>(block)];
  if (!overlap_) {
    copy_(buffers_[slot], from);
    return;
  }
  // Work enqueued earlier may still read the buffer.
  overlap_->free.record(Computing());
  overlap_->free.block(overlap_->copying);
  const c10::StreamGuard guard(overlap_->copying);
  copy_(buffers_[slot], from);
  overlap_->copied[slot].record(overlap_->copying);
}

int BlockStream::Use(int64_t block) {
  const auto count = static_cast<int64_t>(blocks_.size());
  T3_CHECK(block >= 0 && block < count, "BlockStream: block {} of {}", block, count);
  if (holds_[static_cast<size_t>(current_)] == block) return current_;
  const int next = 1 - current_;
  if (holds_[static_cast<size_t>(next)] != block) Copy(block, next);
  if (overlap_) overlap_->copied[static_cast<size_t>(next)].block(Computing());
  const int64_t following = (block + 1) % count;
  if (following != block) Copy(following, current_);
  current_ = next;
  return current_;
}

}  // namespace t3
