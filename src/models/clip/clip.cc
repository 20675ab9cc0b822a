// CLIP's towers with what stands before and after their transformers.
#include "models/clip/clip.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace t3 {
namespace {

// As (out, in), whichever way the file stores it.
at::Tensor Projection(const ClipConfig& config, const TensorMap& tensors, const char* name,
                      const char* separate_name) {
  return config.separate ? GetTensor(tensors, separate_name) : GetTensor(tensors, name).t();
}

at::Tensor OfChannels(std::array<float, 3> values) {
  return at::tensor(at::ArrayRef<float>(values)).view({3, 1, 1});
}

}  // namespace

at::Tensor ClipMean() { return OfChannels({0.48145466f, 0.4578275f, 0.40821073f}); }
at::Tensor ClipStd() { return OfChannels({0.26862954f, 0.26130258f, 0.27577711f}); }

ClipModel::ClipModel(const ClipConfig& config, const TensorMap& tensors)
    : config_(config),
      image_(config, config.image, tensors, "visual."),
      text_(config, config.text, tensors, ""),
      conv_(GetTensor(tensors, "visual.conv1.weight")),
      class_embedding_(GetTensor(tensors, "visual.class_embedding")),
      image_positions_(GetTensor(tensors, "visual.positional_embedding")),
      norm_before_(tensors, "visual.ln_pre"),
      norm_after_(tensors, "visual.ln_post"),
      token_embedding_(GetTensor(tensors, "token_embedding.weight")),
      text_positions_(GetTensor(tensors, "positional_embedding")),
      text_norm_(tensors, "ln_final"),
      image_projection_(Projection(config, tensors, "visual.proj", "visual.projection")),
      text_projection_(Projection(config, tensors, "text_projection", "projection")) {}

at::Tensor ClipModel::EncodeImages(const at::Tensor& images) const {
  T3_CHECK(images.dim() == 4 && images.size(1) == 3 && images.size(2) == config_.image_size &&
               images.size(3) == config_.image_size,
           "CLIP got pictures ({}), wanted (B, 3, {}, {})", fmt::join(images.sizes(), ", "),
           config_.image_size, config_.image_size);
  const at::Tensor patches =
      at::conv2d(images.to(conv_.device()), conv_, {}, config_.patch).flatten(2).transpose(1, 2);
  const at::Tensor row = class_embedding_.expand({images.size(0), 1, -1});
  at::Tensor x = at::cat({row, patches}, 1) + image_positions_;
  x = image_.Run(norm_before_(x), /*causal=*/false);
  return at::linear(norm_after_(x.select(1, 0)), image_projection_);
}

at::Tensor ClipModel::EncodeText(const std::vector<int32_t>& ids) const {
  const int64_t length = std::ssize(ids);
  T3_CHECK(length > 0 && length <= config_.context, "CLIP got a text of {} ids, wanted 1 to {}",
           length, config_.context);
  T3_CHECK(
      std::all_of(ids.begin(), ids.end(),
                  [&](int32_t id) { return id >= 0 && id < config_.vocab_size; }),
      "CLIP got an id outside its vocabulary of {} entries; the merges belong to another model",
      config_.vocab_size);
  const at::Tensor indices = at::tensor(ids, at::kLong).to(token_embedding_.device());
  at::Tensor x = at::embedding(token_embedding_, indices) + text_positions_.narrow(0, 0, length);
  x = text_.Run(x.unsqueeze(0), /*causal=*/true);
  return at::linear(text_norm_(x[0][length - 1]), text_projection_);
}

}  // namespace t3
