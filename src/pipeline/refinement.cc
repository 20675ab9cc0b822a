// What follows from a job that starts from a clip.
#include "pipeline/refinement.h"

#include <algorithm>

namespace t3 {

Request DraftRequest(const Job& job) {
  Request request = job.request;
  request.params.size = job.draft_size;
  request.params.frames = job.geometry.frames;
  request.params.steps = job.draft_steps;
  request.params.strength.reset();
  request.params.draft = DraftChoice{};
  request.params.draft_steps.reset();
  request.params.windows.clear();
  request.params.timesteps.clear();  // of the video alone
  request.params.sigmas.clear();
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
