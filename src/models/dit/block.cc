// One block of the denoiser.
#include "models/dit/block.h"

#include <ATen/ATen.h>

#include "ops/dispatch.h"
#include "ops/part_timer.h"
#include "plan/chunks.h"

namespace t3 {

DitBlock::DitBlock(const DitConfig& config, const TensorMap& tensors, const std::string& prefix)
    : config_(config),
      q_(tensors, prefix + ".self_attn.q"),
      k_(tensors, prefix + ".self_attn.k"),
      v_(tensors, prefix + ".self_attn.v"),
      o_(tensors, prefix + ".self_attn.o"),
      ffn_in_(tensors, prefix + ".ffn.0"),
      ffn_out_(tensors, prefix + ".ffn.2"),
      norm_q_(FloatTensor(tensors, prefix + ".self_attn.norm_q.weight")),
      norm_k_(FloatTensor(tensors, prefix + ".self_attn.norm_k.weight")),
      norm3_weight_{FloatTensor(tensors, prefix + ".norm3.weight").unsqueeze(0)},
      norm3_bias_{FloatTensor(tensors, prefix + ".norm3.bias").unsqueeze(0)},
      modulation_(FloatTensor(tensors, prefix + ".modulation")),
      cross_(config, tensors, prefix + ".cross_attn") {
  const bool trained =
      q_.weight.requires_grad() || k_.weight.requires_grad() || v_.weight.requires_grad();
  if (!trained) {
    qkv_ = Concatenate({q_, k_, v_});
    q_ = k_ = v_ = Linear();
  }
}

void DitBlock::AttendSelf(at::Tensor& x, const BlockContext& context) const {
  const Modulation modulation = Modulate(context, 0);
  const at::Tensor attended = SelfAttention(x, modulation, context);
  const Part part("output projection");
  AddGatedLinear(x, attended, o_, modulation.gate);
}  // q|k|v go back before the FFN needs room

void DitBlock::AfterAttendSelf(at::Tensor& x, const BlockContext& context) const {
  if (GradientsOn()) {
    FinishInTraining(x, context);
    return;
  }
  // At the widest: two tensors of dim channels beside the FFN's hidden one.
  const int64_t piece = PieceOf(x, config_.ffn_dim + 2 * config_.dim, context.scratch_bytes);
  ForEachChunk(x.size(0), piece, [&](int64_t first, int64_t count) {
    at::Tensor rows = x.narrow(0, first, count);
    Finish(rows, context, first);
  });
}

// Pieces would cut the videos of a batch (context.each), which are small.
void DitBlock::FinishInTraining(at::Tensor& x, const BlockContext& context) const {
  // What autograd keeps: the FFN's hidden tensor twice, and some sixteen of dim channels.
  const int64_t piece = PieceOf(x, 2 * config_.ffn_dim + 16 * config_.dim, context.scratch_bytes);
  if (!context.pieces || context.each > 0 || piece >= x.size(0)) {
    Finish(x, context, 0);
    return;
  }
  std::vector<at::Tensor> outputs;
  int64_t first = 0;
  for (const at::Tensor& rows : x.split(piece)) {
    const NetworkPart part = [this, context, first](const std::vector<at::Tensor>& inputs) {
      BlockContext own = context;
      own.time = inputs[1];
      own.text = {inputs[2], inputs[3]};
      at::Tensor tokens = inputs[0];
      Finish(tokens, own, first);
      return tokens;
    };
    outputs.push_back(context.pieces(part, {rows, context.time, context.text.k, context.text.v}));
    first += rows.size(0);
  }
  x = at::cat(outputs);
}

int64_t DitBlock::PieceOf(const at::Tensor& x, int64_t channels, int64_t scratch_bytes) const {
  return ChunkTokens(x.size(0), channels * static_cast<int64_t>(x.element_size()), scratch_bytes);
}

DitBlock::Modulation DitBlock::Modulate(const BlockContext& context, int64_t first_vector) const {
  const at::Tensor vectors =
      (modulation_ + context.time).narrow(1, first_vector, 3).transpose(0, 1).contiguous();
  const auto of = [&](const at::Tensor& rows) {
    return TokenVectors{rows, context.split, context.each};
  };
  return {of(vectors[0]), of(1 + vectors[1]), of(vectors[2])};
}

at::Tensor DitBlock::Norm(const at::Tensor& x, const Modulation& modulation) const {
  const Part part("norms");
  return LayerNormModulate(x, modulation.multiplier, modulation.shift,
                           {config_.eps, x.scalar_type()});
}

DitBlock::Modulation DitBlock::Modulation::Slice(int64_t first, int64_t count) const {
  return {shift.Slice(first, count), multiplier.Slice(first, count), gate.Slice(first, count)};
}

at::Tensor DitBlock::SelfAttention(const at::Tensor& x, const Modulation& modulation,
                                   const BlockContext& context) const {
  SelfAttentionInput input = ProjectQkv(x, modulation, context);
  input.q_weight = norm_q_;
  input.k_weight = norm_k_;
  input.eps = config_.eps;
  input.heads = config_.num_heads;
  input.rope = context.rope;
  return WindowAttention(input, *context.windows, context.scratch_bytes);
}

SelfAttentionInput DitBlock::ProjectQkv(const at::Tensor& x, const Modulation& modulation,
                                        const BlockContext& context) const {
  SelfAttentionInput input;
  if (!qkv_.weight.defined()) {
    const at::Tensor normed = Norm(x, modulation);
    input.q = q_(normed);
    input.k = k_(normed);
    input.v = v_(normed);
    return input;
  }
  at::Tensor qkv;
  if (GradientsOn()) {
    qkv = qkv_(Norm(x, modulation));
  } else {
    qkv = at::empty({x.size(0), 3 * config_.dim}, x.options());
    const int64_t piece = PieceOf(x, config_.dim, context.scratch_bytes);
    ForEachChunk(x.size(0), piece, [&](int64_t first, int64_t count) {
      const at::Tensor normed = Norm(x.narrow(0, first, count), modulation.Slice(first, count));
      const Part part("q, k, v");
      LinearInto(qkv.narrow(0, first, count), normed, qkv_);
    });
  }
  const std::vector<at::Tensor> parts = qkv.chunk(3, -1);
  input.q = parts[0];
  input.k = parts[1];
  input.v = parts[2];
  return input;
}

void DitBlock::Finish(at::Tensor& x, const BlockContext& context, int64_t first) const {
  CrossAttend(x, context);
  const Modulation modulation = Modulate(context, 3).Slice(first, x.size(0));
  const at::Tensor normed = Norm(x, modulation);
  const Part part("FFN");
  AddGatedLinear(x, LinearGelu(normed, ffn_in_), ffn_out_, modulation.gate);
}

void DitBlock::CrossAttend(at::Tensor& x, const BlockContext& context) const {
  const Part part("cross-attention");
  const at::Tensor normed =
      LayerNormModulate(x, norm3_weight_, norm3_bias_, {config_.eps, x.scalar_type()});
  cross_.AddTo(x, normed, context.text, context.text_bias);
}

}  // namespace t3
