// Steps of a run that are taken with one denoiser at one size: all of them, or those of the draft
// and then those of the video.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "media/image.h"
#include "pipeline/denoise.h"
#include "pipeline/job.h"
#include "pipeline/memory_check.h"
#include "pipeline/preview/preview.h"
#include "pipeline/prompt_encodings.h"
#include "pipeline/run_item.h"
#include "pipeline/run_networks.h"
#include "pipeline/run_scope.h"

namespace t3 {

struct DenoisingPass {
  const ModelInfo& model;
  const Job& job;
  const RunMemory& memory;
  const std::optional<Image>& image;
  const char* name;        // of the stage in progress and records
  int64_t first_step = 0;  // of the run
  at::Tensor source = {};  // latents (z,T,h,w) that are noised; undefined: noise alone
  bool last = true;        // its latents are the video's
};

// The state that an earlier run left, where it lies within this pass; nullptr otherwise.
const SamplerState* ResumedState(const RunItem& item, const DenoisingPass& pass);

// Takes passes of one run after the other.
class PassRunner {
 public:
  PassRunner(const RunScope& scope, RunNetworks& networks, const PromptEncodings& prompts)
      : scope_(scope), networks_(networks), prompts_(prompts) {}

  // Returns the latents after the pass, (z,T,h,w) fp32 on the host. Keeps checkpoints of `item` as
  // its request asks, writes previews, and adds stages to its result. On failure item.saved names
  // what is on disk. Throws Error of kind kInterrupted when the run is cancelled.
  at::Tensor Run(RunItem& item, const DenoisingPass& pass);

 private:
  at::Tensor EncodeImage(RunItem& item, const DenoisingPass& pass) const;
  const Dit& LoadDenoiser(const DenoisingPass& pass);
  at::Tensor Noise(const RunItem& item, const DenoisingPass& pass) const;
  DenoiseInput InputOf(const RunItem& item, const DenoisingPass& pass,
                       const RunProgress& progress) const;
  std::optional<Preview> OpenPreview(const RunItem& item) const;
  at::Tensor TakeSteps(const Dit& dit, const DenoisingPass& pass, DenoiseInput input, Stage& stage,
                       const StepFn& after_step) const;
  at::Tensor RunSteps(RunItem& item, const Dit& dit, const DenoisingPass& pass,
                      const at::Tensor& first_frame);

  const RunScope& scope_;
  RunNetworks& networks_;
  const PromptEncodings& prompts_;
};

}  // namespace t3
