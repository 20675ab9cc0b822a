// What follows from a planned job.
#include "pipeline/planned_job.h"

namespace t3 {

bool KeepsState(const Request& request) { return !request.output.path.empty(); }

std::vector<int64_t> LatentShape(const ModelInfo& model, const Job& job) {
  const Grid& latent = job.geometry.latent;
  return {model.dit.latent_channels, latent.t, latent.h, latent.w};
}

int64_t DraftSteps(const PlannedJob& planned) {
  return planned.draft ? planned.draft->job.steps() : 0;
}

bool NeedsNegative(const PlannedJob& planned) {
  return planned.job.sampling.guidance != 1 ||
         (planned.draft && planned.draft->job.sampling.guidance != 1);
}

DecodeTarget DraftTarget(const PlannedJob& planned, const std::string& path) {
  const Job& draft = planned.draft->job;
  DecodeTarget target;
  target.output.path = path;
  target.output.file = planned.job.request.output.file;
  target.geometry = draft.geometry;
  target.fps = draft.fps;
  target.metadata = planned.draft->metadata;
  return target;
}

}  // namespace t3
