// UMT5's encoder over ATen.
#include "models/text_encoder/text_encoder.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "models/text_encoder/relative_bias.h"

namespace t3 {

TextEncoder::TextEncoder(const TextEncoderConfig& config, const TensorMap& tensors)
    : config_(config),
      token_embedding_(GetTensor(tensors, "token_embedding.weight")),
      norm_(GetTensor(tensors, "norm.weight")) {
  T3_CHECK(config.num_buckets >= 4 && config.num_buckets < 512,
           "the text encoder has {} position buckets; wanted 4 to 511 (UMT5 has 32)",
           config.num_buckets);
  for (int64_t i = 0; i < config.num_layers; ++i) {
    blocks_.push_back(MakeBlock(tensors, fmt::format("blocks.{}.", i)));
  }
}

TextEncoder::Block TextEncoder::MakeBlock(const TensorMap& tensors, const std::string& prefix) {
  return {.norm1 = GetTensor(tensors, prefix + "norm1.weight"),
          .q = Linear(tensors, prefix + "attn.q"),
          .k = Linear(tensors, prefix + "attn.k"),
          .v = Linear(tensors, prefix + "attn.v"),
          .o = Linear(tensors, prefix + "attn.o"),
          .bias = GetTensor(tensors, prefix + "pos_embedding.embedding.weight"),
          .norm2 = GetTensor(tensors, prefix + "norm2.weight"),
          .gate = Linear(tensors, prefix + "ffn.gate.0"),
          .fc1 = Linear(tensors, prefix + "ffn.fc1"),
          .fc2 = Linear(tensors, prefix + "ffn.fc2")};
}

at::Tensor TextEncoder::EmbedIds(std::span<const int32_t> ids) const {
  T3_CHECK(!ids.empty(), "the text encoder was given no ids; wanted at least the closing one");
  for (const int32_t id : ids) {
    T3_CHECK(id >= 0 && id < config_.vocab_size,
             "the text encoder was given id {}, but its vocabulary has {}; the tokenizer belongs "
             "to another model",
             id, config_.vocab_size);
  }
  const std::vector<int64_t> wide(ids.begin(), ids.end());
  return at::embedding(token_embedding_, at::tensor(wide, at::kLong).to(token_embedding_.device()));
}

// (length, length), query by key.
at::Tensor TextEncoder::Buckets(int64_t length) const {
  const std::vector<int64_t> buckets = RelativeBuckets(length, config_.num_buckets);
  return at::tensor(buckets, at::kLong).view({length, length}).to(token_embedding_.device());
}

// Root mean square over the last dimension. The published code multiplies in fp32 and rounds to the
// weight's dtype before it multiplies by the weight.
at::Tensor TextEncoder::Norm(const at::Tensor& x, const at::Tensor& weight) const {
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor scale = at::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + config_.eps);
  return (wide * scale).to(weight.scalar_type()) * weight;
}

// x (L, dim) -> (L, dim). UMT5 does not divide by the root of the head's width.
at::Tensor TextEncoder::Attention(const Block& block, const at::Tensor& x,
                                  const at::Tensor& buckets) const {
  const auto heads = [&](const Linear& linear) {  // (heads, L, head dim)
    return linear(x).view({x.size(0), config_.num_heads, -1}).transpose(0, 1);
  };
  const at::Tensor bias = at::embedding(block.bias, buckets).permute({2, 0, 1});
  const at::Tensor scores = at::matmul(heads(block.q), heads(block.k).transpose(1, 2)) + bias;
  const at::Tensor weights = at::softmax(scores, -1, at::kFloat).to(x.scalar_type());
  const at::Tensor mixed = at::matmul(weights, heads(block.v)).transpose(0, 1);
  return block.o(mixed.reshape({x.size(0), config_.attention_dim}));
}

at::Tensor TextEncoder::Encode(std::span<const int32_t> ids) const {
  at::Tensor x = EmbedIds(ids);
  const at::Tensor buckets = Buckets(x.size(0));
  for (const Block& block : blocks_) {
    x = x + Attention(block, Norm(x, block.norm1), buckets);
    const at::Tensor normed = Norm(x, block.norm2);
    x = x + block.fc2(block.fc1(normed) * at::gelu(block.gate(normed), "tanh"));
  }
  return Norm(x, norm_);
}

}  // namespace t3
