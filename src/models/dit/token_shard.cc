// Ulysses exchanges around window attention.
#include "models/dit/token_shard.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "base/check.h"
#include "ops/attention/rms_rope.h"
#include "ops/profiler.h"
#include "parallel/exchange_autograd.h"
#include "plan/chunks.h"

namespace t3 {
namespace {

// Behind a token's q|k|v: the two inverse norms in fp32, in a whole 16-byte vector, so that rows
// stay aligned for kernels.
constexpr int64_t kNormBytes = 16;

int64_t NormColumns(const at::TensorOptions& options) {
  return kNormBytes / static_cast<int64_t>(options.dtype().itemsize());
}

// The inverse norms of packed rows (..., columns): (..., 2) fp32, a view.
at::Tensor Norms(const at::Tensor& packed) {
  const at::Tensor floats = packed.view(at::kFloat);
  return floats.narrow(-1, floats.size(-1) - kNormBytes / 4, 2);
}

// qkv (ranks, N, 3 C/ranks) of packed: each rank's columns, which together are whole rows.
void SetNorms(const at::Tensor& packed, const at::Tensor& qkv, double eps) {
  const std::vector<at::Tensor> parts = qkv.chunk(3, -1);
  Norms(packed).copy_(
      at::stack({InverseRmsOfParts(parts[0], eps), InverseRmsOfParts(parts[1], eps)}, 1));
}

}  // namespace

TokenShard::TokenShard(RankGroup& group, int64_t tokens)
    : group_(&group), shares_(EvenShares(tokens, group.size())) {
  T3_CHECK(tokens >= group.size(), "DiT: {} tokens for {} ranks; wanted at least one each", tokens,
           group.size());
  int64_t first = 0;
  for (const int64_t share : shares_) {
    firsts_.push_back(first);
    first += share;
  }
}

int64_t TokenShard::Boundary(int64_t boundary) const {
  return std::clamp<int64_t>(boundary - first(), 0, count());
}

TokenShard::Rows TokenShard::ChunkOf(int64_t rank, int64_t begin, int64_t chunk) const {
  const int64_t share = shares_[static_cast<size_t>(rank)], first = std::min(begin, share);
  return {first, std::min(chunk, share - first)};
}

std::vector<at::Tensor> TokenShard::ChunksOfAll(const at::Tensor& rows, int64_t begin,
                                                int64_t chunk) const {
  std::vector<at::Tensor> chunks;
  for (int64_t rank = 0; rank < size(); ++rank) {
    const Rows own = ChunkOf(rank, begin, chunk);
    chunks.push_back(rows.narrow(0, firsts_[static_cast<size_t>(rank)] + own.first, own.count));
  }
  return chunks;
}

// -> (tokens, 3 C/ranks + norms): of this rank's heads.
at::Tensor TokenShard::SendHeads(const SelfAttentionInput& input, const at::TensorOptions& options,
                                 int64_t chunk, const ProjectFn& project) const {
  const int64_t columns = 3 * input.q_weight.size(0) / size();
  const int64_t tokens = firsts_.back() + shares_.back();
  const at::Tensor received = at::empty({tokens, columns + NormColumns(options)}, options);
  std::deque<RankGroup::Transfer> transfers;
  ForEachChunk(shares_.back(), chunk, [&](int64_t begin, int64_t) {
    const Rows own = ChunkOf(group_->rank(), begin, chunk);
    const at::Tensor packed = at::empty({size(), own.count, received.size(1)}, options);
    const at::Tensor qkv = packed.narrow(2, 0, columns);
    if (own.count > 0) {
      project(qkv, own.first);
      SetNorms(packed, qkv, input.eps);
    }
    const ProfileScope scope("exchange");
    transfers.push_back(group_->Start(packed.unbind(), ChunksOfAll(received, begin, chunk)));
    if (std::ssize(transfers) <= kExchangesUnderWay) return;
    transfers.front().Wait();
    transfers.pop_front();
  });
  const ProfileScope scope("exchange");
  for (RankGroup::Transfer& transfer : transfers) transfer.Wait();
  return received;
}

// attended (tokens, C/ranks) of this rank's heads.
void TokenShard::ReturnTokens(const at::Tensor& attended, int64_t chunk,
                              const ConsumeFn& consume) const {
  struct Arriving {
    RankGroup::Transfer transfer;
    at::Tensor parts;  // (ranks, N, C/ranks)
    int64_t first;
  };
  std::deque<Arriving> arriving;
  const auto finish = [&] {
    Arriving next = std::move(arriving.front());
    arriving.pop_front();
    at::Tensor rows;
    {
      const ProfileScope scope("exchange");
      next.transfer.Wait();
      rows = next.parts.transpose(0, 1).reshape({next.parts.size(1), -1});
    }
    if (rows.size(0) > 0) consume(rows, next.first);
  };
  ForEachChunk(shares_.back(), chunk, [&](int64_t begin, int64_t) {
    const Rows own = ChunkOf(group_->rank(), begin, chunk);
    const at::Tensor parts = at::empty({size(), own.count, attended.size(1)}, attended.options());
    arriving.push_back(
        {group_->Start(ChunksOfAll(attended, begin, chunk), parts.unbind()), parts, own.first});
    if (std::ssize(arriving) > kExchangesUnderWay) finish();
  });
  while (!arriving.empty()) finish();
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

void TokenShard::Attend(const SelfAttentionInput& input, const at::TensorOptions& options,
                        const ProjectFn& project, const ConsumeFn& consume,
                        const std::vector<WindowPartition>& partitions,
                        int64_t scratch_bytes) const {
  CheckHeads(input.heads);
  const auto element = static_cast<int64_t>(options.dtype().itemsize());
  const int64_t chunk = ExchangeTokens(
      shares_.back(), ExchangeRowBytes(input.q_weight.size(0), element), scratch_bytes);
  at::Tensor packed = SendHeads(input, options, chunk, project);
  const at::Tensor attended =
      WindowAttention(Unpack(packed, input), partitions, scratch_bytes, ExecutionMode::kInPlace)
          .contiguous();
  packed.reset();
  ReturnTokens(attended, chunk, consume);
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
