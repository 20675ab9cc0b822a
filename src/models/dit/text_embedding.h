// From encoded prompts to the rows that every block's cross-attention projects.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "config/model_config.h"
#include "models/dit/weights.h"
#include "ops/execution_mode.h"

namespace t3 {

// Texts of different lengths in one tensor.
struct PaddedTexts {
  at::Tensor rows;               // (texts, longest, text_dim), zeros after each text's rows
  std::vector<int64_t> lengths;  // of each text
};
// `embeds`: each (rows, text_dim). Throws Error for tensors that are not matrices.
PaddedTexts PadTexts(const std::vector<at::Tensor>& embeds, int64_t text_dim);

// Texts as the blocks take them.
struct EmbeddedTexts {
  at::Tensor rows;  // (texts, rows, dim); which rows stand for the padded ones: text_rows.h
  at::Tensor bias;  // (texts, rows) fp32, added to the logits, or undefined
};

// Two linears in the dtype of the weights.
class TextEmbedding {
 public:
  TextEmbedding(const DitConfig& config, const TensorMap& tensors);
  // padded (texts, longest, text_dim) of any float dtype and device, with zeros after each text's
  // `lengths` rows, which are 1 to text_len. Throws Error for other shapes.
  EmbeddedTexts operator()(const at::Tensor& padded, const std::vector<int64_t>& lengths,
                           ExecutionMode mode) const;

  // Of the first linear: its dtype and device are those of the network.
  const at::Tensor& weight() const { return in_.weight; }

 private:
  DitConfig config_;
  Linear in_, out_;
};

}  // namespace t3
