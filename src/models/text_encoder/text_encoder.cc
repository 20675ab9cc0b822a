// The UMT5 encoder over ATen.
#include "models/text_encoder/text_encoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "models/text_encoder/relative_bias.h"

namespace t3 {

TextEncoder::TextEncoder(const TextEncoderConfig& config, const TensorMap& tensors,
                         std::optional<at::ScalarType> compute)
    : config_(config),
      compute_(compute.value_or(GetTensor(tensors, "token_embedding.weight").scalar_type())),
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

TextEncoder::Block TextEncoder::Block::To(at::ScalarType dtype) const {
  return {.norm1 = norm1.to(dtype),
          .q = q.To(dtype),
          .k = k.To(dtype),
          .v = v.To(dtype),
          .o = o.To(dtype),
          .bias = bias.to(dtype),
          .norm2 = norm2.to(dtype),
          .gate = gate.To(dtype),
          .fc1 = fc1.To(dtype),
          .fc2 = fc2.To(dtype)};
}

// (B, longest, dim), padded with id 0.
at::Tensor TextEncoder::EmbedIds(const std::vector<std::vector<int32_t>>& texts,
                                 int64_t longest) const {
  std::vector<int64_t> padded;
  for (const std::vector<int32_t>& ids : texts) {
    T3_CHECK(!ids.empty(), "the text encoder got no ids; wanted at least the end token");
    for (const int32_t id : ids) {
      T3_CHECK(
          id >= 0 && id < config_.vocab_size,
          "the text encoder got id {}, but its vocabulary has {} entries; the tokenizer belongs "
          "to another model",
          id, config_.vocab_size);
    }
    padded.insert(padded.end(), ids.begin(), ids.end());
    padded.resize(padded.size() + static_cast<size_t>(longest) - ids.size(), 0);
  }
  const at::Tensor ids = at::tensor(padded, at::kLong).view({-1, longest});
  return at::embedding(token_embedding_, ids.to(token_embedding_.device())).to(compute_);
}

// (B, longest), true on padding; undefined where there is none.
at::Tensor TextEncoder::Padding(const std::vector<std::vector<int32_t>>& texts,
                                int64_t longest) const {
  std::vector<int64_t> lengths;
  for (const std::vector<int32_t>& ids : texts) lengths.push_back(std::ssize(ids));
  if (std::all_of(lengths.begin(), lengths.end(), [&](int64_t n) { return n == longest; })) {
    return {};
  }
  const at::Tensor padding = at::arange(longest) >= at::tensor(lengths).unsqueeze(1);
  return padding.to(token_embedding_.device());
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

// x (B, L, dim) -> (B, L, dim). UMT5 does not divide by the root of the head's width.
at::Tensor TextEncoder::Attention(const Block& block, const at::Tensor& x,
                                  const at::Tensor& buckets, const at::Tensor& mask) const {
  const auto heads = [&](const Linear& linear) {  // (B, heads, L, head dim)
    return linear(x).unflatten(-1, {config_.num_heads, -1}).transpose(1, 2);
  };
  const at::Tensor bias = at::embedding(block.bias, buckets).permute({2, 0, 1});
  at::Tensor scores = at::matmul(heads(block.q), heads(block.k).transpose(2, 3)) + bias;
  if (mask.defined()) scores = scores + mask;
  const at::Tensor weights = at::softmax(scores, -1, at::kFloat).to(x.scalar_type());
  return block.o(at::matmul(weights, heads(block.v)).transpose(1, 2).flatten(2));
}

at::Tensor TextEncoder::Encode(std::span<const int32_t> ids) const {
  return EncodeBatch({{ids.begin(), ids.end()}})[0];
}

std::vector<at::Tensor> TextEncoder::EncodeBatch(
    const std::vector<std::vector<int32_t>>& texts) const {
  const at::Tensor x = EncodePadded(texts);
  std::vector<at::Tensor> encoded;
  for (size_t i = 0; i < texts.size(); ++i) {
    encoded.push_back(x[static_cast<int64_t>(i)].narrow(0, 0, std::ssize(texts[i])));
  }
  return encoded;
}

at::Tensor TextEncoder::EncodePadded(const std::vector<std::vector<int32_t>>& texts) const {
  int64_t longest = 0;
  for (const std::vector<int32_t>& ids : texts) longest = std::max(longest, std::ssize(ids));
  at::Tensor x = EmbedIds(texts, longest);
  const at::Tensor buckets = Buckets(longest);
  const at::Tensor padding = Padding(texts, longest);
  at::Tensor mask;  // (B, 1, 1, longest)
  if (padding.defined()) {
    mask = at::zeros(padding.sizes(), x.options()).masked_fill_(padding, -INFINITY);
    mask = mask.view({-1, 1, 1, longest});
  }
  for (const Block& stored : blocks_) {
    const Block block = stored.To(compute_);
    x = x + Attention(block, Norm(x, block.norm1), buckets, mask);
    const at::Tensor normed = Norm(x, block.norm2);
    x = x + block.fc2(block.fc1(normed) * at::gelu(block.gate(normed), "tanh"));
  }
  x = Norm(x, norm_.to(compute_));
  return padding.defined() ? x.masked_fill(padding.unsqueeze(-1), 0) : x;
}

}  // namespace t3
