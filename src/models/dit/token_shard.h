// The tokens and heads that a rank has of a forward which several ranks share.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "ops/attention/window_attention.h"
#include "parallel/rank_group.h"

namespace t3 {

// Consecutive tokens, whose shares may differ by one, for everything that treats a token by itself;
// some heads of all tokens in self-attention, so that windows are those of one process. Exchanges
// turn one into the other (Ulysses): q, k and v before the norm, whose inverse travels with them
// because it is over all heads, and the output back. A differentiable forward exchanges q and k
// after norm and rotation: a norm's backward pass then needs no sums over ranks.
class TokenShard {
 public:
  // `tokens` of a forward over the group's ranks. Throws Error unless each has a token.
  TokenShard(RankGroup& group, int64_t tokens);

  int64_t first() const { return firsts_[static_cast<size_t>(group_->rank())]; }
  int64_t count() const { return shares_[static_cast<size_t>(group_->rank())]; }
  // This rank's rows of (tokens, ...), a view; and from those of all ranks the whole, on each.
  at::Tensor Part(const at::Tensor& rows) const { return rows.narrow(0, first(), count()); }
  at::Tensor Gather(const at::Tensor& rows) const { return group_->Gather(rows, shares_); }
  // Gather for a loss that every rank computes from the whole.
  at::Tensor GatherAutograd(const at::Tensor& rows) const;
  // Of the first `boundary` of all tokens, how many are this rank's.
  int64_t Boundary(int64_t boundary) const;

  // Writes q|k|v of this rank's tokens [first, first + N) to out (ranks, N, 3 C / ranks): of each
  // rank's heads. Rows of out are strided.
  using ProjectFn = std::function<void(const at::Tensor& out, int64_t first)>;
  // Takes the attended tokens [first, first + N), rows (N, C).
  using ConsumeFn = std::function<void(const at::Tensor& rows, int64_t first)>;
  // WindowAttention of this rank's tokens (ops/attention/window_attention.h) to all tokens of their
  // windows, on chunks of them: one travels while `project` or `consume` works on the next.
  // `input` without q, k and v, which are of `options`; `partitions` are of all tokens, the heads
  // are divisible by the ranks.
  void Attend(const SelfAttentionInput& input, const at::TensorOptions& options,
              const ProjectFn& project, const ConsumeFn& consume,
              const std::vector<WindowPartition>& partitions, int64_t scratch_bytes) const;
  // The same, differentiable; input.rope is of this rank's tokens. The gradients of weights that
  // all ranks have are sums over the ranks, of which each gets its part.
  at::Tensor AttendAutograd(const SelfAttentionInput& input,
                            const std::vector<WindowPartition>& partitions) const;

 private:
  struct Rows {
    int64_t first, count;
  };
  void CheckHeads(int64_t heads) const;
  int64_t size() const { return std::ssize(shares_); }
  // The chunk from `begin` of a rank's share on, `chunk` tokens or what is left, which may be none.
  Rows ChunkOf(int64_t rank, int64_t begin, int64_t chunk) const;
  // Such a chunk of each rank, of all tokens' rows.
  std::vector<at::Tensor> ChunksOfAll(const at::Tensor& rows, int64_t begin, int64_t chunk) const;
  at::Tensor SendHeads(const SelfAttentionInput& input, const at::TensorOptions& options,
                       int64_t chunk, const ProjectFn& project) const;
  void ReturnTokens(const at::Tensor& attended, int64_t chunk, const ConsumeFn& consume) const;
  SelfAttentionInput Unpack(const at::Tensor& packed, const SelfAttentionInput& whole) const;

  RankGroup* group_;
  std::vector<int64_t> shares_, firsts_;  // tokens of each rank, and its first
};

}  // namespace t3
