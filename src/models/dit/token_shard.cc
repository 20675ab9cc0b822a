// Ulysses exchanges around window attention.
#include "models/dit/token_shard.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include <algorithm>

#include "base/check.h"
#include "ops/attention/rms_rope.h"
#include "ops/profiler.h"
#include "parallel/exchange_autograd.h"

namespace t3 {
namespace {

// Behind a token's q|k|v: the two inverse norms in fp32, in a whole 16-byte vector, so that rows
// stay aligned for kernels.
constexpr int64_t kNormBytes = 16;

int64_t NormColumns(const at::Tensor& x) {
  return kNormBytes / static_cast<int64_t>(x.element_size());
}

// The inverse norms of packed rows (..., columns): (..., 2) fp32, a view.
at::Tensor Norms(const at::Tensor& packed) {
  const at::Tensor floats = packed.view(at::kFloat);
  return floats.narrow(-1, floats.size(-1) - kNormBytes / 4, 2);
}

}  // namespace

TokenShard::TokenShard(RankGroup& group, int64_t tokens)
    : group_(&group), shares_(EvenShares(tokens, group.size())) {
  T3_CHECK(tokens >= group.size(), "DiT: {} tokens for {} ranks; wanted at least one each", tokens,
           group.size());
  for (int64_t i = 0; i < group.rank(); ++i) first_ += shares_[static_cast<size_t>(i)];
}

int64_t TokenShard::Boundary(int64_t boundary) const {
  return std::clamp<int64_t>(boundary - first_, 0, count());
}

// -> (ranks, count, 3 C/ranks + norms): for each rank its heads of q, k and v.
at::Tensor TokenShard::Pack(const SelfAttentionInput& in) const {
  const int64_t ranks = group_->size(), width = in.q.size(1) / ranks;
  const at::Tensor packed =
      at::empty({ranks, count(), 3 * width + NormColumns(in.q)}, in.q.options());
  int64_t column = 0;
  for (const at::Tensor& x : {in.q, in.k, in.v}) {
    packed.narrow(2, column, width).copy_(x.unflatten(1, {ranks, width}).transpose(0, 1));
    column += width;
  }
  Norms(packed).copy_(
      at::stack({InverseRmsOf(in.q, in.eps), InverseRmsOf(in.k, in.eps)}, 1).unsqueeze(0));
  return packed;
}

// All tokens' packed rows -> q, k, v of this rank's heads, views.
SelfAttentionInput TokenShard::Unpack(const at::Tensor& packed,
                                      const SelfAttentionInput& whole) const {
  const int64_t ranks = group_->size(), width = whole.q_weight.size(0) / ranks;
  const auto heads = [&](const at::Tensor& weight) {
    return weight.narrow(0, group_->rank() * width, width);
  };
  SelfAttentionInput in;
  in.q = packed.narrow(1, 0, width);
  in.k = packed.narrow(1, width, width);
  in.v = packed.narrow(1, 2 * width, width);
  in.q_weight = heads(whole.q_weight);
  in.k_weight = heads(whole.k_weight);
  const at::Tensor norms = Norms(packed);
  in.q_inverse = norms.select(1, 0).contiguous();
  in.k_inverse = norms.select(1, 1).contiguous();
  in.eps = whole.eps;
  in.heads = whole.heads / ranks;
  in.norm_channels = whole.q_weight.size(0);
  in.rope = whole.rope;
  in.fp8 = whole.fp8;
  return in;
}

void TokenShard::CheckHeads(int64_t heads) const {
  T3_CHECK(heads % group_->size() == 0, "DiT: {} heads for {} ranks; wanted a divisor of the heads",
           heads, group_->size());
}

at::Tensor TokenShard::Attend(const SelfAttentionInput& input,
                              const std::vector<WindowPartition>& partitions,
                              int64_t scratch_bytes) const {
  const int64_t ranks = group_->size();
  CheckHeads(input.heads);
  const std::vector<int64_t> mine(static_cast<size_t>(ranks), count());
  at::Tensor packed = Pack(input);
  {
    const ProfileScope scope("exchange");
    packed = group_->Exchange(packed.flatten(0, 1), mine, shares_);
  }
  at::Tensor out =
      WindowAttention(Unpack(packed, input), partitions, scratch_bytes, ExecutionMode::kInPlace)
          .contiguous();
  packed.reset();
  const ProfileScope scope("exchange");
  out = group_->Exchange(out, shares_, mine);  // (ranks * count, C/ranks)
  return out.unflatten(0, {ranks, count()}).transpose(0, 1).reshape({count(), -1});
}

at::Tensor TokenShard::GatherAutograd(const at::Tensor& rows) const {
  return t3::GatherAutograd(*group_, rows, shares_);
}

at::Tensor TokenShard::AttendAutograd(const SelfAttentionInput& in,
                                      const std::vector<WindowPartition>& partitions) const {
  constexpr ExecutionMode kMode = ExecutionMode::kDifferentiable;
  CheckHeads(in.heads);
  const int64_t ranks = group_->size();
  const std::vector<int64_t> mine(static_cast<size_t>(ranks), count());
  const auto normed = [&](const at::Tensor& x, const at::Tensor& weight) {
    return RmsNormRope(x, weight, in.eps, in.heads, in.rope, kMode);
  };
  // (count, heads, d) -> (ranks, count, heads / ranks, d)
  const auto by_rank = [&](const at::Tensor& x) {
    return x.unflatten(1, {ranks, in.heads / ranks}).transpose(0, 1);
  };
  const at::Tensor packed =
      at::stack({by_rank(normed(in.q, in.q_weight)), by_rank(normed(in.k, in.k_weight)),
                 by_rank(in.v.unflatten(1, {in.heads, -1}))},
                2);
  const std::vector<at::Tensor> heads =  // (tokens, heads / ranks, d)
      ExchangeAutograd(*group_, packed.flatten(0, 1), mine, shares_).unbind(1);
  const at::Tensor attended = AttendPartitions(heads[0], heads[1], heads[2], partitions, kMode);
  return ExchangeAutograd(*group_, attended, shares_, mine)  // (ranks * count, heads / ranks, d)
      .unflatten(0, {ranks, count()})
      .transpose(0, 1)
      .reshape({count(), -1});
}

}  // namespace t3
