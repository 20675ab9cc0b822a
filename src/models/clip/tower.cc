// Blocks of CLIP's towers over ATen.
#include "models/clip/tower.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace t3 {
namespace {

constexpr double kNormEps = 1e-5;
constexpr double kQuickGelu = 1.702;

// One layer of q, k and v, however the file stores it.
Linear JoinedQkv(const ClipConfig& config, const TensorMap& tensors, const std::string& attention) {
  Linear qkv;
  if (config.separate) {
    const Linear q(tensors, attention + "q"), k(tensors, attention + "k"),
        v(tensors, attention + "v");
    qkv.weight = at::cat({q.weight, k.weight, v.weight});
    qkv.bias = at::cat({q.bias, k.bias, v.bias});
  } else {
    qkv.weight = GetTensor(tensors, attention + "in_proj_weight");
    qkv.bias = GetTensor(tensors, attention + "in_proj_bias");
  }
  return qkv;
}

}  // namespace

ClipNorm::ClipNorm(const TensorMap& tensors, const std::string& prefix)
    : weight(GetTensor(tensors, prefix + ".weight")), bias(GetTensor(tensors, prefix + ".bias")) {}

at::Tensor ClipNorm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, kNormEps);
}

ClipTower::ClipTower(const ClipConfig& config, const ClipTowerConfig& tower,
                     const TensorMap& tensors, const std::string& prefix)
    : heads_(tower.heads()), quick_gelu_(config.quick_gelu) {
  for (int64_t i = 0; i < tower.layers; ++i) {
    const std::string block = fmt::format("{}transformer.resblocks.{}.", prefix, i);
    blocks_.push_back({.norm1 = ClipNorm(tensors, block + "ln_1"),
                       .norm2 = ClipNorm(tensors, block + "ln_2"),
                       .qkv = JoinedQkv(config, tensors, block + "attn."),
                       .out = Linear(tensors, block + "attn.out_proj"),
                       .fc = Linear(tensors, block + "mlp.c_fc"),
                       .projection = Linear(tensors, block + "mlp.c_proj")});
  }
}

at::Tensor ClipTower::Attention(const Block& block, const at::Tensor& x, bool causal) const {
  // (3, B, heads, L, head width)
  const at::Tensor qkv = block.qkv(x).unflatten(-1, {3, heads_, -1}).permute({2, 0, 3, 1, 4});
  const at::Tensor mixed =
      at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], {}, /*dropout_p=*/0, causal);
  return block.out(mixed.transpose(1, 2).flatten(2));
}

at::Tensor ClipTower::FeedForward(const Block& block, const at::Tensor& x) const {
  const at::Tensor hidden = block.fc(x);
  return block.projection(quick_gelu_ ? hidden * at::sigmoid(kQuickGelu * hidden)
                                      : at::gelu(hidden));
}

at::Tensor ClipTower::Run(at::Tensor x, bool causal) const {
  for (const Block& block : blocks_) {
    x = x + Attention(block, block.norm1(x), causal);
    x = x + FeedForward(block, block.norm2(x));
  }
  return x;
}

}  // namespace t3
