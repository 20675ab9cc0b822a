// One block of the denoiser.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "config/model_config.h"
#include "models/dit/cross_attention.h"
#include "models/dit/weights.h"
#include "ops/modulate.h"
#include "ops/window_attention.h"

namespace t3 {

// How part of a network is run in training: part(inputs), where `inputs` are the tensors from
// outside that its output depends on. A runner may run the part again in the backward pass in place
// of keeping its activations.
using NetworkPart = std::function<at::Tensor(const std::vector<at::Tensor>& inputs)>;
using PartRunner =
    std::function<at::Tensor(const NetworkPart& part, const std::vector<at::Tensor>& inputs)>;

// Each may be empty: the part is run plainly.
struct BlockRunners {
  PartRunner blocks;  // of a whole block
  // Of what follows the self-attention, for pieces of tokens within scratch_bytes; otherwise a 4K
  // video's FFN alone would keep 25 GB in the backward pass of a block.
  PartRunner pieces;
};

// What a block sees besides the tokens.
struct BlockContext {
  at::Tensor time{};  // (K, 6, dim) fp32, of K timesteps
  int64_t split = 0;  // K <= 2: tokens [0, split) take time[0], others the last
  int64_t each = 0;   // > 0: a batch of K videos of so many tokens, each with its own timestep
  const std::vector<WindowPartition>* windows = nullptr;  // of this layer
  const RopeTables* rope = nullptr;
  TextKeys text{};         // of this layer
  at::Tensor text_bias{};  // (videos, rows) fp32 or undefined
  int64_t scratch_bytes = 0;
  PartRunner pieces{};  // in training, see BlockRunners
};

// x += gate * selfattn(LN(x)*(1+scale)+shift); x += crossattn(norm3(x)); x += gate * ffn(...).
// All but the attention itself is one token at a time and runs over pieces of tokens, so with
// gradients off a block needs x, q|k|v and scratch_bytes.
class DitBlock {
 public:
  DitBlock(const DitConfig& config, const TensorMap& tensors, const std::string& prefix);
  TextKeys PrepareText(const at::Tensor& text) const { return cross_.Keys(text); }
  // x (N, dim) becomes the block's output; with gradients off its memory is overwritten. A batch
  // needs gradients on: x (videos * N, dim).
  void Forward(at::Tensor& x, const BlockContext& context) const {
    AttendSelf(x, context);
    AfterAttendSelf(x, context);
  }
  // The two halves of Forward. The first does not see the text.
  void AttendSelf(at::Tensor& x, const BlockContext& context) const;
  void AfterAttendSelf(at::Tensor& x, const BlockContext& context) const;

 private:
  struct Modulation {
    TokenVectors shift, multiplier, gate;
    Modulation Slice(int64_t first, int64_t count) const;
  };
  Modulation Modulate(const BlockContext& context, int64_t first_vector) const;
  at::Tensor SelfAttention(const at::Tensor& x, const Modulation& modulation,
                           const BlockContext& context) const;
  SelfAttentionInput ProjectQkv(const at::Tensor& x, const Modulation& modulation,
                                const BlockContext& context) const;
  at::Tensor Norm(const at::Tensor& x, const Modulation& modulation) const;
  // Everything after the self-attention, for tokens [first, first + rows of x).
  void Finish(at::Tensor& x, const BlockContext& context, int64_t first) const;
  // The same for all tokens with gradients on, in pieces where there is a runner for them.
  void FinishInTraining(at::Tensor& x, const BlockContext& context) const;
  void CrossAttend(at::Tensor& x, const BlockContext& context) const;
  int64_t PieceOf(const at::Tensor& x, int64_t channels, int64_t scratch_bytes) const;

  DitConfig config_;
  Linear qkv_;  // packed: one GEMM is 4 % faster than three; undefined when q, k, v are trained
  Linear q_, k_, v_, o_, ffn_in_, ffn_out_;
  at::Tensor norm_q_, norm_k_;  // (dim) fp32
  TokenVectors norm3_weight_, norm3_bias_;
  at::Tensor modulation_;  // (1, 6, dim) fp32
  CrossAttention cross_;
};

}  // namespace t3
