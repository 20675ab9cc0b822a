// What follows from a job that starts from a clip.
#include "pipeline/refinement.h"

#include <algorithm>

#include "pipeline/choose_refinement.h"

namespace t3 {

Request DraftRequest(const Job& job) {
  Request request = job.request;
  request.params.size = job.draft_size;
  request.params.frames = job.geometry.frames;
  const GenerationParams stated = StatedDraftSampling(request);
  request.params.steps = job.draft_steps;
  if (stated.sampler) request.params.sampler = stated.sampler;
  if (stated.guidance) request.params.guidance = stated.guidance;
  const bool has_list = !stated.timesteps.empty() || !stated.sigmas.empty();
  if (stated.shift || has_list) request.params.shift = has_list ? std::nullopt : stated.shift;
  request.params.timesteps = stated.timesteps;  // those of the request are of the video alone
  request.params.sigmas = stated.sigmas;
  request.params.strength.reset();
  request.params.draft = DraftChoice{};
  request.params.draft_steps.reset();
  request.params.draft_sampling.clear();
  request.params.windows.clear();
  request.noise.clear();
  request.draft_dit.clear();
  request.match_colors.reset();
  request.output = {};
  request.output.fps = job.fps;
  request.checkpoint = {};
  request.preview = {};
  request.record = {};
  return request;
}

bool MatchesColors(const Job& job) {
  return job.refines() && job.sampling.strength > 0 && job.sampling.strength < 1 &&
         job.request.match_colors.value_or(true);
}

int64_t EncodedFrames(const Job& job) {
  // The models' own 81 frames: shorter windows would be mostly warm-up.
  constexpr int64_t kWindow = 21;
  if (job.refines() && job.sampling.strength < 1)
    return std::min(job.geometry.latent.t, std::max(kWindow, job.segment.latent.t));
  return job.request.image.empty() ? 0 : 1;
}

}  // namespace t3
