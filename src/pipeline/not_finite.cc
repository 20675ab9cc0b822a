// A forward that notes the first bad layer.
#include "pipeline/not_finite.h"

#include <ATen/ATen.h>

#include "base/check.h"

namespace t3 {
namespace {

bool IsFinite(const at::Tensor& tensor) { return tensor.isfinite().all().item<bool>(); }

std::string BadText(const TextContext& text) {
  for (size_t i = 0; i < text.layers.size(); ++i) {
    const TextKeys& keys = text.layers[i];
    if (IsFinite(keys.k) && IsFinite(keys.v)) continue;
    return i == 0 ? "text_embedding or the first layer's text keys (blocks.0.cross_attn)"
                  : fmt::format("the text keys of blocks.{}.cross_attn", i);
  }
  return "";
}

}  // namespace

FaultyLayerFound FirstNotFinite(const Dit& dit, const ForwardInput& input, const TextContext& text,
                                const AttentionLayout& attention) {
  if (!IsFinite(input.latents)) return {"the latents"};
  if (std::string bad_text = BadText(text); !bad_text.empty()) return {std::move(bad_text)};
  FaultyLayerFound found;
  int64_t depth = 0;
  dit.Forward(input.latents, input.timestep, input.clean_frames, text, attention,
              [&](const std::string& layer, const at::Tensor& output) {
                ++depth;
                if (found.name.empty() && !IsFinite(output)) found = {layer, depth};
              });
  return found;
}

}  // namespace t3
