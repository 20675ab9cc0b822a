// MUSIQ's transformer over ATen. The published code pads each size's patches to a fixed number and
// masks the padding, which changes no value of the class token; here there is none.
#include "models/musiq/musiq.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "arch/musiq.h"
#include "base/check.h"

namespace t3 {
namespace {

constexpr double kNormEps = 1e-6;
constexpr int64_t kStemChunk = 512;  // patches that pass through the convolutions at a time

}  // namespace

Musiq::Norm Musiq::MakeNorm(const TensorMap& tensors, const std::string& prefix) {
  return {GetTensor(tensors, prefix + ".weight"), GetTensor(tensors, prefix + ".bias")};
}

at::Tensor Musiq::Norm::Run(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, kNormEps);
}

Musiq::Musiq(const MusiqConfig& config, const TensorMap& tensors)
    : config_(config),
      stem_(tensors),
      embedding_(tensors, "embedding"),
      positions_(GetTensor(tensors, "transformer_encoder.posembed_input.position_emb")[0]),
      scales_(GetTensor(tensors, "transformer_encoder.scaleembed_input.scale_emb")),
      class_row_(GetTensor(tensors, "transformer_encoder.cls")[0]),
      norm_(MakeNorm(tensors, "transformer_encoder.encoder_norm")),
      head_(tensors, MusiqHead(config)) {
  for (int64_t i = 0; i < config.layers; ++i) {
    const std::string block = fmt::format("transformer_encoder.transformer.encoderblock_{}.", i);
    blocks_.push_back({.norm1 = MakeNorm(tensors, block + "norm1"),
                       .norm2 = MakeNorm(tensors, block + "norm2"),
                       .query = Linear(tensors, block + "attention.query"),
                       .key = Linear(tensors, block + "attention.key"),
                       .value = Linear(tensors, block + "attention.value"),
                       .out = Linear(tensors, block + "attention.out"),
                       .fc1 = Linear(tensors, block + "mlp.fc1"),
                       .fc2 = Linear(tensors, block + "mlp.fc2")});
  }
}

// (N + 1, width), the class token first.
at::Tensor Musiq::Embed(const MusiqPatches& patches) const {
  const auto device = positions_.device();
  std::vector<at::Tensor> rows{class_row_};
  for (const at::Tensor& chunk : patches.pixels.split(kStemChunk)) {
    rows.push_back(embedding_(stem_.Run(chunk.to(device))));
  }
  at::Tensor x = at::cat(rows);
  const at::Tensor place = at::embedding(positions_, patches.positions.to(device)) +
                           at::embedding(scales_, patches.scales.to(device));
  x.narrow(0, 1, place.size(0)).add_(place);
  return x;
}

at::Tensor Musiq::Attention(const Block& block, const at::Tensor& x) const {
  const auto heads = [&](const Linear& linear) {  // (1, heads, N + 1, head width)
    return linear(x).unflatten(-1, {config_.heads(), -1}).transpose(0, 1).unsqueeze(0);
  };
  const at::Tensor mixed =
      at::scaled_dot_product_attention(heads(block.query), heads(block.key), heads(block.value));
  return block.out(mixed[0].transpose(0, 1).flatten(1));
}

double Musiq::Score(const at::Tensor& picture) const {
  at::Tensor x = Embed(CutPatches(picture, config_));
  for (const Block& block : blocks_) {
    x = x + Attention(block, block.norm1.Run(x));
    x = x + block.fc2(at::gelu(block.fc1(block.norm2.Run(x))));
  }
  const at::Tensor marks = head_(norm_.Run(x[0])).to(at::kCPU, at::kDouble);
  if (config_.classes == 1) return marks.item<double>();
  return (at::softmax(marks, 0) * at::arange(1, config_.classes + 1)).sum().item<double>();
}

}  // namespace t3
