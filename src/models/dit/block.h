// One block of the denoiser.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "config/model_config.h"
#include "models/dit/cross_attention.h"
#include "models/dit/qkv_projection.h"
#include "models/dit/token_shard.h"
#include "models/dit/weights.h"
#include "ops/attention/window_partition.h"
#include "ops/execution_mode.h"
#include "ops/modulate/token_vectors.h"

namespace t3 {

// A segment of the network, which a differentiable forward may recompute to save memory: from the
// tensors that its output depends on, other than weights.
using Segment = std::function<at::Tensor(const std::vector<at::Tensor>& inputs)>;
// Runs a segment; may keep only its inputs and run it again in the backward pass (activation
// checkpointing).
using SegmentRunner =
    std::function<at::Tensor(const Segment& segment, const std::vector<at::Tensor>& inputs)>;

// An empty runner calls the segment directly.
struct SegmentRunners {
  SegmentRunner block;  // for a whole block
  // For what follows the self-attention, on chunks of tokens within the scratch memory: otherwise a
  // 4K video's FFN alone would keep 25 GB in a block's backward pass.
  SegmentRunner chunk;
};

// What a block sees besides the tokens.
struct BlockContext {
  ExecutionMode mode = ExecutionMode::kInPlace;
  at::Tensor time{};           // (K, 6, dim) fp32, of K timesteps
  int64_t boundary = 0;        // K <= 2: tokens [0, boundary) take time[0], others the last
  int64_t tokens_per_row = 0;  // > 0: K videos of so many tokens, each with its own timestep
  const std::vector<WindowPartition>* windows = nullptr;  // of this layer
  const RopeTables* rope = nullptr;
  const TokenShard* shard = nullptr;  // of the tokens that this rank has; nullptr: all
  TextKeys text{};                    // of this layer
  at::Tensor text_bias{};             // (videos, rows) fp32 or undefined
  int64_t scratch_bytes = 0;
  SegmentRunner chunk_runner{};  // differentiable only, see SegmentRunners

  // The same with other time vectors and text: those that a recomputed segment gets as its inputs.
  BlockContext WithInputs(const at::Tensor& new_time, const TextKeys& new_text) const;
};

// x += gate * SelfAttention(AdaLN(x)); x += CrossAttention(Norm3(x)); x += gate * FFN(AdaLN(x)).
//
// Everything but the attention itself treats one token at a time. In place it runs on chunks of
// tokens, so that a block needs x, q|k|v and scratch_bytes.
class DitBlock {
 public:
  DitBlock(const DitConfig& config, const TensorMap& tensors, const std::string& prefix);
  // text (videos, rows, dim), as TextEmbedding gives it.
  TextKeys PrepareText(const at::Tensor& text, ExecutionMode mode) const {
    return cross_.Keys(text, mode);
  }
  // x (N, dim), or (videos * N, dim) of a batch, becomes the block's output. In place, its memory
  // is overwritten; batches are differentiable only.
  void Forward(at::Tensor& x, const BlockContext& context) const;
  // The two halves of Forward. The first does not see the text.
  void AddSelfAttention(at::Tensor& x, const BlockContext& context) const;
  void AddCrossAttentionAndFfn(at::Tensor& x, const BlockContext& context) const;

 private:
  struct Modulation {
    TokenVectors shift, multiplier, gate;
    Modulation Slice(int64_t first, int64_t count) const;
  };
  // Of vectors first, first + 1 and first + 2 of the six.
  Modulation ModulationOf(const BlockContext& context, int64_t first) const;
  // Here and below x is (rows, dim), and so are results. As `reader` takes it.
  LinearInput AdaLayerNorm(const at::Tensor& x, const Modulation& modulation,
                           const LinearWeights& reader, ExecutionMode mode) const;
  // The heads' outputs side by side, as the output projection takes them.
  LinearInput SelfAttention(const at::Tensor& x, const Modulation& modulation,
                            const BlockContext& context) const;
  // AddSelfAttention of the tokens that a rank has, in place.
  void AddSharedSelfAttention(const at::Tensor& x, const Modulation& modulation,
                              const BlockContext& context) const;
  // `input` with all but q, k and v.
  SelfAttentionInput WithNorms(SelfAttentionInput input, const BlockContext& context) const;
  void AddCrossAttention(at::Tensor& x, const BlockContext& context) const;
  void AddFfn(at::Tensor& x, const Modulation& modulation, ExecutionMode mode) const;

  // f maps rows of tokens from token `first` on to rows; it may overwrite them in place.
  using TokenFn =
      std::function<at::Tensor(at::Tensor rows, int64_t first, const BlockContext& context)>;
  // f on chunks of x whose temporaries, `row_bytes` per token, fit the scratch memory.
  at::Tensor MapTokens(at::Tensor x, int64_t row_bytes, const BlockContext& context,
                       const TokenFn& f) const;

  DitConfig config_;
  QkvProjection qkv_;
  Linear o_, ffn_in_, ffn_out_;
  at::Tensor norm_q_, norm_k_;  // (dim) fp32
  TokenVectors norm3_weight_, norm3_bias_;
  at::Tensor modulation_;  // (1, 6, dim) fp32
  CrossAttention cross_;
};

}  // namespace t3
