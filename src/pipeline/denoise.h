// The denoising loop: noise to latents.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <vector>

#include "config/sampling_config.h"
#include "models/dit/dit.h"
#include "pipeline/guided_denoiser.h"
#include "pipeline/state/sampler_state.h"
#include "plan/segments.h"
#include "runtime/stage.h"

namespace t3 {

struct DenoiseInput {
  SamplingConfig sampling;
  at::Tensor noise;        // (z,T,h,w) fp32; unused if the run resumes from a state
  at::Tensor source;       // (z,T,h,w) fp32, the clip that is noised; undefined: noise alone
  at::Tensor first_frame;  // (z,1,h,w) fp32, the encoded image; undefined for text to video
  at::Tensor prompt;       // (tokens, text width)
  at::Tensor negative;     // likewise; undefined if guidance is 1
  std::optional<SamplerState> from;  // resumes here
  // What is denoised at once, of one length, the attention's; empty: the whole video. Of several
  // the velocities are blended at every step, and the latents are on the host.
  std::vector<ClipSegment> segments = {};
  uint64_t seed = 0;           // of the noise that the sampler adds between steps
  int64_t excluded_steps = 0;  // of the first and of the last, that run in the denoiser's bf16()
  DenoiserRanks ranks = {};    // that share the velocities; this is rank 0 of them
};

// What a finished step reports.
struct StepReport {
  SamplerState state;  // where the latents are; valid until the next step
  // The step's estimate of the clean latents, (z,T,h,w), computed on demand.
  std::function<at::Tensor()> clean;
};
using StepFn = std::function<void(const StepReport& report)>;

// Runs the remaining steps and returns latents (z,T,h,w) fp32 on the denoiser's device, or on the
// host if there are several segments. After
// each step calls `after_step`, if any, which may throw to stop, and advances `stage`. Throws Error
// that names the step and the layer if a value is no longer finite.
at::Tensor Denoise(const Dit& dit, const AttentionLayout& attention, const DenoiseInput& input,
                   at::Device device, Stage& stage, const StepFn& after_step = {});

// Videos of one size from texts, together. On a GPU small videos take a fraction of the time that
// they take one after another. The operations are those of training (Dit::ForwardBatch), so the
// bits differ from those of Denoise.
struct DenoiseBatchInput {
  SamplingConfig sampling;
  at::Tensor noise;                  // (B,z,T,h,w) fp32
  std::vector<at::Tensor> prompts;   // B of (tokens, text width)
  std::vector<at::Tensor> negative;  // likewise; empty if guidance is 1
  std::vector<uint64_t> seeds;       // B, of the noise that the sampler adds between steps
  int64_t excluded_steps = 0;        // as in DenoiseInput
};
// Returns latents (B,z,T,h,w) fp32 on the denoiser's device. `attention` is for B videos. Advances
// `stage` by steps. Throws Error if a value is no longer finite.
at::Tensor DenoiseBatch(const Dit& dit, const AttentionLayout& attention,
                        const DenoiseBatchInput& input, Stage& stage);

}  // namespace t3
