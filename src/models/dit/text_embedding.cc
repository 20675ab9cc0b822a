// The text's MLP, and which padded rows it is computed for.
#include "models/dit/text_embedding.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/check.h"
#include "models/dit/text_rows.h"
#include "ops/attention/attend.h"
#include "ops/attention/text_attention.h"

namespace t3 {
namespace {

// Padded rows are left out if attention takes a bias at little cost.
TextPadding PaddingFor(const at::Tensor& weight, const DitConfig& config,
                       const std::vector<int64_t>& lengths, ExecutionMode mode) {
  if (weight.is_cpu()) return TextPadding::kOne;
  const int64_t rows = TextRows(lengths, config.text_len, TextPadding::kBf16Bias);
  const bool takes_bias =
      SupportsAttendBias(weight, mode) ||
      (lengths.size() == 1 && SupportsTextAttentionKernel(weight, config.head_dim(), rows, mode));
  return takes_bias ? TextPadding::kBf16Bias : TextPadding::kAll;
}

}  // namespace

PaddedTexts PadTexts(const std::vector<at::Tensor>& embeds, int64_t text_dim) {
  std::vector<int64_t> lengths;
  for (const at::Tensor& text : embeds) {
    T3_CHECK(text.dim() == 2, "DiT: text embeds ({}); wanted (rows, {})",
             fmt::join(text.sizes(), ", "), text_dim);
    lengths.push_back(text.size(0));
  }
  const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  std::vector<at::Tensor> padded;
  for (const at::Tensor& text : embeds) {
    padded.push_back(at::constant_pad_nd(text, {0, 0, 0, longest - text.size(0)}));
  }
  return {at::stack(padded), lengths};
}

TextEmbedding::TextEmbedding(const DitConfig& config, const TensorMap& tensors)
    : config_(config), in_(tensors, "text_embedding.0"), out_(tensors, "text_embedding.2") {}

EmbeddedTexts TextEmbedding::operator()(const at::Tensor& padded,
                                        const std::vector<int64_t>& lengths,
                                        ExecutionMode mode) const {
  const auto [shortest, longest] = std::minmax_element(lengths.begin(), lengths.end());
  T3_CHECK(
      padded.dim() == 3 && padded.size(0) == std::ssize(lengths) && padded.size(1) == *longest &&
          padded.size(2) == config_.text_dim && *shortest > 0 && *longest <= config_.text_len,
      "DiT: text embeds ({}) of {} to {} rows; wanted (texts, 1..{}, {})",
      fmt::join(padded.sizes(), ", "), *shortest, *longest, config_.text_len, config_.text_dim);
  const TextPadding padding = PaddingFor(in_.weight, config_, lengths, mode);
  const int64_t rows = TextRows(lengths, config_.text_len, padding);
  const at::Tensor embeds =
      at::constant_pad_nd(padded.to(in_.weight.options()), {0, 0, 0, rows - *longest});
  const at::Tensor text = out_(at::gelu(in_(embeds), "tanh"));
  at::Tensor bias = TextBias(lengths, config_.text_len, rows, padding);
  if (bias.defined()) bias = bias.to(in_.weight.device());
  return {text, bias};
}

}  // namespace t3
