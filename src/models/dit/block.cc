// One block of the denoiser.
#include "models/dit/block.h"

#include <ATen/ATen.h>

#include <utility>

#include "models/dit/token_chunks.h"
#include "ops/attention/window_attention.h"
#include "ops/linear/linear.h"
#include "ops/modulate/modulate.h"
#include "ops/profiler.h"

namespace t3 {

DitBlock::DitBlock(const DitConfig& config, const TensorMap& tensors, const std::string& prefix)
    : config_(config),
      qkv_(tensors, prefix + ".self_attn"),
      o_(tensors, prefix + ".self_attn.o"),
      ffn_in_(tensors, prefix + ".ffn.0"),
      ffn_out_(tensors, prefix + ".ffn.2"),
      norm_q_(FloatTensor(tensors, prefix + ".self_attn.norm_q.weight")),
      norm_k_(FloatTensor(tensors, prefix + ".self_attn.norm_k.weight")),
      norm3_weight_{FloatTensor(tensors, prefix + ".norm3.weight").unsqueeze(0)},
      norm3_bias_{FloatTensor(tensors, prefix + ".norm3.bias").unsqueeze(0)},
      modulation_(FloatTensor(tensors, prefix + ".modulation")),
      cross_(config, tensors, prefix + ".cross_attn") {}

BlockContext BlockContext::WithInputs(const at::Tensor& new_time, const TextKeys& new_text) const {
  BlockContext context = *this;
  context.time = new_time;
  context.text = new_text;
  return context;
}

void DitBlock::Forward(at::Tensor& x, const BlockContext& context) const {
  AddSelfAttention(x, context);
  AddCrossAttentionAndFfn(x, context);
}

// x += gate * SelfAttention(AdaLN(x))
void DitBlock::AddSelfAttention(at::Tensor& x, const BlockContext& context) const {
  const Modulation modulation = ModulationOf(context, 0);
  if (context.shard != nullptr && context.mode == ExecutionMode::kInPlace) {
    AddSharedSelfAttention(x, modulation, context);
    return;
  }
  const LinearInput attended = SelfAttention(x, modulation, context);
  const ProfileScope scope("output projection");
  AddGatedLinear(x, attended, o_, modulation.gate, context.mode);
}  // frees q|k|v before the FFN needs memory

void DitBlock::AddCrossAttentionAndFfn(at::Tensor& x, const BlockContext& context) const {
  // Copies the block, whose tensors are shared: a runner may call this after the block was
  // destroyed.
  const auto per_token = [*this](at::Tensor rows, int64_t first, const BlockContext& chunk) {
    const Modulation modulation = ModulationOf(chunk, 3).Slice(first, rows.size(0));
    AddCrossAttention(rows, chunk);
    AddFfn(rows, modulation, chunk.mode);
    return rows;
  };
  // Autograd stores the hidden tensor twice, and about sixteen of dim channels.
  const auto element = static_cast<int64_t>(x.element_size());
  const int64_t row_bytes =
      context.mode == ExecutionMode::kInPlace
          ? FfnRowBytes(config_.dim, config_.ffn_dim, element, ffn_in_.scale.defined())
          : (2 * config_.ffn_dim + 16 * config_.dim) * element;
  x = MapTokens(std::move(x), row_bytes, context, per_token);
}

// x += CrossAttention(Norm3(x))
void DitBlock::AddCrossAttention(at::Tensor& x, const BlockContext& context) const {
  const ProfileScope scope("cross-attention");
  const LinearInput normed =
      LayerNormFor(cross_.reader(), x, norm3_weight_, norm3_bias_, config_.eps, context.mode);
  cross_.AddTo(x, normed, context.text, context.text_bias, context.mode);
}

// x += gate * FFN(AdaLN(x))
void DitBlock::AddFfn(at::Tensor& x, const Modulation& modulation, ExecutionMode mode) const {
  const LinearInput normed = AdaLayerNorm(x, modulation, ffn_in_, mode);
  const ProfileScope scope("FFN");
  AddGatedLinear(x, LinearGelu(normed, ffn_in_, ffn_out_, mode), ffn_out_, modulation.gate, mode);
}

LinearInput DitBlock::SelfAttention(const at::Tensor& x, const Modulation& modulation,
                                    const BlockContext& context) const {
  const auto norm = [&](const at::Tensor& rows, int64_t first) {
    return AdaLayerNorm(rows, modulation.Slice(first, rows.size(0)), qkv_.reader(), context.mode);
  };
  const int64_t chunk = ChunkRows(x, config_.dim, context.scratch_bytes);
  const SelfAttentionInput input = WithNorms(qkv_(x, norm, chunk, context.mode), context);
  if (context.shard != nullptr) return context.shard->AttendAutograd(input, *context.windows);
  return WindowAttentionFor(o_, input, *context.windows, context.scratch_bytes, context.mode);
}

void DitBlock::AddSharedSelfAttention(const at::Tensor& x, const Modulation& modulation,
                                      const BlockContext& context) const {
  const auto project = [&](const at::Tensor& qkv, int64_t first) {
    const int64_t count = qkv.size(1);
    const LinearInput normed = AdaLayerNorm(
        x.narrow(0, first, count), modulation.Slice(first, count), qkv_.reader(), context.mode);
    const ProfileScope scope("q, k, v");
    qkv_.IntoParts(normed, qkv);
  };
  const auto add = [&](const at::Tensor& attended, int64_t first) {
    const ProfileScope scope("output projection");
    at::Tensor rows = x.narrow(0, first, attended.size(0));
    AddGatedLinear(rows, attended, o_, modulation.gate.Slice(first, attended.size(0)),
                   context.mode);
  };
  context.shard->Attend(WithNorms({}, context), x.options(), project, add, *context.windows,
                        context.scratch_bytes);
}

SelfAttentionInput DitBlock::WithNorms(SelfAttentionInput input,
                                       const BlockContext& context) const {
  input.q_weight = norm_q_;
  input.k_weight = norm_k_;
  input.eps = config_.eps;
  input.heads = config_.num_heads;
  input.rope = context.rope;
  input.fp8 = qkv_.reader().fp8();
  return input;
}

LinearInput DitBlock::AdaLayerNorm(const at::Tensor& x, const Modulation& modulation,
                                   const LinearWeights& reader, ExecutionMode mode) const {
  const ProfileScope scope("norms");
  return LayerNormFor(reader, x, modulation.multiplier, modulation.shift, config_.eps, mode);
}

DitBlock::Modulation DitBlock::ModulationOf(const BlockContext& context, int64_t first) const {
  const at::Tensor vectors =
      (modulation_ + context.time).narrow(1, first, 3).transpose(0, 1).contiguous();
  const auto of = [&](const at::Tensor& rows) {
    return TokenVectors{rows, context.boundary, context.tokens_per_row};
  };
  return {of(vectors[0]), of(1 + vectors[1]), of(vectors[2])};
}

DitBlock::Modulation DitBlock::Modulation::Slice(int64_t first, int64_t count) const {
  return {shift.Slice(first, count), multiplier.Slice(first, count), gate.Slice(first, count)};
}

at::Tensor DitBlock::MapTokens(at::Tensor x, int64_t row_bytes, const BlockContext& context,
                               const TokenFn& f) const {
  const auto direct = [&](const at::Tensor& rows, int64_t first) {
    return f(rows, first, context);
  };
  const auto recomputed = [&](const at::Tensor& rows, int64_t first) {
    const Segment segment = [context, first, f](const std::vector<at::Tensor>& inputs) {
      return f(inputs[0], first, context.WithInputs(inputs[1], {inputs[2], inputs[3]}));
    };
    return context.chunk_runner(segment, {rows, context.time, context.text.k, context.text.v});
  };
  const int64_t chunk = ChunkTokens(x.size(0), row_bytes, context.scratch_bytes);
  if (context.mode == ExecutionMode::kInPlace) return MapRows(x, chunk, context.mode, direct);
  // Without recomputation chunks save nothing, and they would cut the videos of a batch.
  if (!context.chunk_runner || context.tokens_per_row > 0 || chunk >= x.size(0)) {
    return f(std::move(x), 0, context);  // which may free x
  }
  return MapRows(x, chunk, context.mode, recomputed);
}

}  // namespace t3
