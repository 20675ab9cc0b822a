// What every part of a run works with.
#pragma once

#include "loading/model_info.h"
#include "parallel/team.h"
#include "pipeline/run_settings.h"
#include "runtime/stage.h"

namespace t3 {

struct RunScope {
  const ModelInfo& model;
  const RunSettings& settings;
  const RunContext& context;
  // The ranks that share the work, of which this is rank 0; nullptr: this process alone.
  Team* team;

  // Whether `other` is the run's model, for generating or for refining, and not that of a draft's
  // denoiser.
  bool IsOwn(const ModelInfo* other) const {
    return other == &model || other == model.refiner.get();
  }
};

}  // namespace t3
