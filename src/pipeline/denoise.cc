// The loop over the solver's steps, with guidance and the fixed first frame of image to video.
#include "pipeline/denoise.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "base/check.h"
#include "pipeline/guided_denoiser.h"
#include "runtime/plan_file.h"
#include "sampling/guidance.h"
#include "sampling/noise.h"
#include "sampling/solver.h"

namespace t3 {
namespace {

// Image to video: the encoded image stays the first latent frame, before the loop and after every
// step (model.md 5).
void PutFirstFrame(at::Tensor& latents, const at::Tensor& first_frame) {
  if (first_frame.defined()) latents.narrow(1, 0, first_frame.size(1)).copy_(first_frame);
}

// Noise that the sampler adds: that of each video is its own, whatever runs beside it.
StepNoise NoiseOf(const DenoiseInput& input) {
  const at::Tensor& like = input.from ? input.from->latents : input.noise;
  return [seed = input.seed, shape = like.sizes().vec()](int64_t step) {
    return TorchNoise(StepSeed(seed, step), shape);
  };
}

StepNoise NoiseOf(const DenoiseBatchInput& input) {
  return [seeds = input.seeds, shape = input.noise[0].sizes().vec()](int64_t step) {
    std::vector<at::Tensor> noise;
    for (const uint64_t seed : seeds) noise.push_back(TorchNoise(StepSeed(seed, step), shape));
    return at::stack(noise);
  };
}

at::Tensor StartOf(const DenoiseInput& input, at::Device device, Solver& solver) {
  if (!input.from) {
    const at::Tensor noise = input.noise.to(device, at::kFloat);
    at::Tensor x = input.source.defined() ? solver.Start(noise, input.source.to(device, at::kFloat))
                                          : solver.Start(noise);
    PutFirstFrame(x, input.first_frame);
    return x;
  }
  std::map<std::string, at::Tensor> history;
  for (const auto& [name, tensor] : input.from->solver) history[name] = tensor.to(device);
  solver.Restore(input.from->step, history);
  return input.from->latents.to(device, at::kFloat, /*non_blocking=*/false, /*copy=*/true);
}

// Whether step i of `steps` is among the first or the last `excluded`.
bool IsExcluded(int64_t i, int64_t steps, int64_t excluded) {
  return i < excluded || i >= steps - excluded;
}

// The velocity of the whole video from that of its segments, blended where they overlap.
class SegmentedDenoiser {
 public:
  // `frames`: latent frames of the video.
  SegmentedDenoiser(const GuidedDenoiser& network, const DenoiseInput& input, int64_t frames,
                    at::Device device)
      : network_(network),
        segments_(input.segments.empty() ? std::vector<ClipSegment>{{0, frames}} : input.segments),
        device_(device),
        clean_frames_(input.first_frame.defined() ? input.first_frame.size(1) : 0) {
    for (size_t k = 0; k < segments_.size(); ++k) {
      const std::vector<float> weights = SegmentWeights(segments_, k);
      weights_.push_back(at::tensor(weights).view({1, -1, 1, 1}));
    }
  }

  at::Tensor Velocity(const at::Tensor& x, double timestep, bool bf16) const {
    if (segments_.size() == 1) return network_.Velocity(x, timestep, clean_frames_, bf16);
    const at::Tensor velocity = at::zeros_like(x);
    for (size_t k = 0; k < segments_.size(); ++k) {
      const at::Tensor part = network_.Velocity(PartOf(x, k), timestep, CleanFrames(k), bf16);
      velocity.narrow(1, segments_[k].begin, segments_[k].length)
          .addcmul_(part.to(velocity.device(), velocity.scalar_type()), weights_[k]);
    }
    return velocity;
  }

  std::string FaultyLayer(const at::Tensor& x, double timestep) const {
    std::string layer;
    for (size_t k = 0; k < segments_.size() && layer.empty(); ++k) {
      layer = network_.FaultyLayer(PartOf(x, k), timestep, CleanFrames(k));
    }
    return layer.empty() ? "guidance or the solver (every layer is finite)" : layer;
  }

 private:
  at::Tensor PartOf(const at::Tensor& x, size_t k) const {
    return x.narrow(1, segments_[k].begin, segments_[k].length).to(device_).contiguous();
  }
  int64_t CleanFrames(size_t k) const { return k == 0 ? clean_frames_ : 0; }

  const GuidedDenoiser& network_;
  std::vector<ClipSegment> segments_;
  at::Device device_;
  int64_t clean_frames_;
  std::vector<at::Tensor> weights_;
};

}  // namespace

at::Tensor Denoise(const Dit& dit, const AttentionLayout& attention, const DenoiseInput& input,
                   at::Device device, Stage& stage, const StepFn& after_step) {
  const c10::NoGradGuard no_grad;
  Solver solver(input.sampling, NoiseOf(input));
  at::Tensor x = StartOf(input, input.segments.size() > 1 ? at::kCPU : device, solver);
  if (solver.next_step() == solver.steps()) return x;
  const GuidedDenoiser guided(dit, attention,
                              {input.sampling.guidance, input.prompt, input.negative}, input.ranks);
  const SegmentedDenoiser network(guided, input, x.size(1), device);
  stage.StartAt(solver.next_step());
  for (int64_t i = solver.next_step(); i < solver.steps(); ++i) {
    const at::Tensor before = x;
    const bool bf16 = IsExcluded(i, solver.steps(), input.excluded_steps);
    const at::Tensor velocity = network.Velocity(before, solver.timestep(i), bf16);
    x = solver.Step(i, before, velocity);
    PutFirstFrame(x, input.first_frame);
    T3_CHECK(
        x.isfinite().all().item<bool>(),
        "denoising step {} of {} gave values that are not finite, first in {}: the weights or the "
        "text embeddings are damaged, or {} is too narrow for this model{}",
        i + 1, solver.steps(), network.FaultyLayer(before, solver.timestep(i)),
        toString(dit.dtype()), dit.dtype() == at::kFloat ? "" : " (try `dtype` fp32)");
    if (after_step) {
      // Saves the step before it asks whether the run was cancelled; asking first would lose it.
      after_step({{i + 1, x, solver.State()}, [&] { return before - velocity * solver.sigma(i); }});
      stage.Report(i + 1);
    } else {
      stage.Advance(i + 1);
    }
  }
  KeepPlans();
  return x;
}

at::Tensor DenoiseBatch(const Dit& dit, const AttentionLayout& attention,
                        const DenoiseBatchInput& input, Stage& stage) {
  const c10::NoGradGuard no_grad;
  Solver solver(input.sampling, NoiseOf(input));
  at::Tensor x = solver.Start(input.noise.to(dit.device(), at::kFloat));
  const double guidance = input.sampling.guidance;
  constexpr ExecutionMode kMode = ExecutionMode::kDifferentiable;  // ForwardBatch has no other
  const TextContext prompts = dit.PrepareTexts(input.prompts, kMode);
  const TextContext negative =
      guidance == 1 ? TextContext{} : dit.PrepareTexts(input.negative, kMode);
  for (int64_t i = 0; i < solver.steps(); ++i) {
    const std::vector<double> timesteps(static_cast<size_t>(x.size(0)), solver.timestep(i));
    const Dit& of_step = IsExcluded(i, solver.steps(), input.excluded_steps) ? dit.bf16() : dit;
    at::Tensor velocity = of_step.ForwardBatch(x, timesteps, prompts, attention);
    if (guidance != 1) {
      velocity = Guide(velocity, of_step.ForwardBatch(x, timesteps, negative, attention), guidance);
    }
    x = solver.Step(i, x, velocity);
    T3_CHECK(x.isfinite().all().item<bool>(),
             "denoising step {} of {} of {} videos together gave values that are not finite; "
             "generate one of them alone to see which layer is at fault",
             i + 1, solver.steps(), x.size(0));
    stage.Advance(i + 1);
  }
  return x;
}

}  // namespace t3
