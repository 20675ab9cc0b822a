// The loop over the solver's steps, with guidance and the fixed first frame of image to video.
#include "pipeline/denoise.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "base/check.h"
#include "sampling/guidance.h"
#include "sampling/solver.h"

namespace t3 {
namespace {

// Image to video keeps the encoded image as the first latent frame, before the loop and after every
// step (model.md 5).
void PutFirstFrame(at::Tensor& latents, const at::Tensor& first_frame) {
  if (first_frame.defined()) latents.narrow(1, 0, first_frame.size(1)).copy_(first_frame);
}

}  // namespace

at::Tensor Denoise(const Dit& dit, const DitAttention& attention, const DenoiseInput& input,
                   at::Device device, Stage& stage) {
  const c10::NoGradGuard no_grad;
  const bool guided = input.sampling.guidance != 1;
  const TextContext prompt = dit.PrepareText(input.prompt.to(device));
  const TextContext negative = guided ? dit.PrepareText(input.negative.to(device)) : TextContext{};
  const int64_t clean_frames = input.first_frame.defined() ? input.first_frame.size(1) : 0;

  at::Tensor x = input.noise.to(device, at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  PutFirstFrame(x, input.first_frame);
  Solver solver(input.sampling);
  for (int64_t i = 0; i < solver.steps(); ++i) {
    const double t = solver.timestep(i);
    at::Tensor velocity = dit.Forward(x, t, clean_frames, prompt, attention);
    if (guided) {
      velocity = Guide(velocity, dit.Forward(x, t, clean_frames, negative, attention),
                       input.sampling.guidance);
    }
    x = solver.Step(i, x, velocity);
    PutFirstFrame(x, input.first_frame);
    T3_CHECK(x.isfinite().all().item<bool>(),
             "denoising step {} of {} gave values that are not finite; the weights or the text "
             "embeddings are damaged, or {} is too narrow for this model (try --dtype fp32)",
             i + 1, solver.steps(), "the compute type");
    stage.Advance(i + 1);
  }
  return x;
}

}  // namespace t3
