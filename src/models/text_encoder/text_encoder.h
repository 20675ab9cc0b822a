// The UMT5 encoder: token ids to the text rows that the denoiser attends to.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "config/model_config.h"
#include "nn/linear.h"
#include "nn/tensor_map.h"

namespace t3 {

// Arithmetic is in one dtype, except for norms and softmax, which are in fp32. Weights may be
// stored in a narrower dtype; each block's are then converted when the block runs, so that an
// encoder of 11 GB in bf16 computes in fp32 with 12 GB of memory. Differentiable: for inference
// hold a NoGradGuard.
class TextEncoder {
 public:
  // `tensors` as in TextEncoderTensors(config), all of one dtype on one device, matrices also as
  // e4m3 codes with their scales (nn/fp8_weight.h); they are shared, not copied. `compute`: the
  // dtype of the arithmetic; by default that of the weights.
  TextEncoder(const TextEncoderConfig& config, const TensorMap& tensors,
              std::optional<at::ScalarType> compute = {});

  // ids (L), 1 <= L, without padding -> (L, dim) in the arithmetic's dtype, on the device of the
  // weights. Equals the first L rows of a padded run whose padding is masked. Throws Error for an
  // id outside the vocabulary.
  at::Tensor Encode(std::span<const int32_t> ids) const;
  // The same for several texts at once: (L, dim) each.
  std::vector<at::Tensor> EncodeBatch(const std::vector<std::vector<int32_t>>& texts) const;
  // The same in one tensor, (B, longest L, dim), with zeros after each text's rows.
  at::Tensor EncodePadded(const std::vector<std::vector<int32_t>>& texts) const;

 private:
  struct Block {
    at::Tensor norm1;  // (dim)
    Linear q, k, v;    // dim -> attention_dim
    Linear o;          // attention_dim -> dim
    at::Tensor bias;   // (num_buckets, num_heads)
    at::Tensor norm2;  // (dim)
    Linear gate, fc1;  // dim -> ffn_dim
    Linear fc2;        // ffn_dim -> dim

    Block To(at::ScalarType dtype) const;  // shares memory if the dtype is the same
  };

  static Block MakeBlock(const TensorMap& tensors, const std::string& prefix);
  at::Tensor EmbedIds(const std::vector<std::vector<int32_t>>& texts, int64_t longest) const;
  at::Tensor Padding(const std::vector<std::vector<int32_t>>& texts, int64_t longest) const;
  at::Tensor Buckets(int64_t length) const;
  at::Tensor Norm(const at::Tensor& x, const at::Tensor& weight) const;
  at::Tensor Attention(const Block& block, const at::Tensor& x, const at::Tensor& buckets,
                       const at::Tensor& mask) const;

  TextEncoderConfig config_;
  at::ScalarType compute_;
  at::Tensor token_embedding_;  // (vocab_size, dim)
  std::vector<Block> blocks_;
  at::Tensor norm_;  // (dim)
};

}  // namespace t3
