// Chooses between the differentiable forward and that of inference.
#include "training/distill/captioned_dit.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace t3 {

CaptionedDit::CaptionedDit(const Dit& dit, const std::vector<at::Tensor>& texts) : dit_(dit) {
  const bool differentiable = c10::GradMode::is_enabled();
  if (differentiable || texts.size() > 1) {
    batch_ = dit.PrepareTexts(texts, ExecutionMode::kDifferentiable);
  }
  if (texts.size() > 1) return;
  const c10::NoGradGuard no_grad;
  one_ = dit.PrepareText(texts[0]);
}

at::Tensor CaptionedDit::Velocity(const at::Tensor& x, const std::vector<double>& timesteps,
                                  const AttentionLayout& attention,
                                  const SegmentRunners& runners) const {
  if (c10::GradMode::is_enabled()) {
    return dit_.ForwardBatch(x, timesteps, batch_, attention, runners);
  }
  if (one_.layers.empty()) return dit_.ForwardBatch(x, timesteps, batch_, attention);
  return dit_.Forward(x[0], timesteps[0], 0, one_, attention).unsqueeze(0);
}

}  // namespace t3
