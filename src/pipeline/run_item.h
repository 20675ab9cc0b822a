// A plan on its way to a video.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <memory>
#include <optional>

#include "base/output_lock.h"
#include "pipeline/planned_job.h"
#include "pipeline/source_clip.h"
#include "pipeline/state/checkpointer.h"
#include "pipeline/state/record.h"
#include "t3video/request.h"

namespace t3 {

struct RunItem {
  size_t index = 0;  // of its plan
  const PlannedJob* planned = nullptr;
  Result result;
  StartTime started;
  std::optional<OutputLock> lock;  // of the output, while it is being made
  SavedStep saved;                 // what the passes so far have left on disk
  at::Tensor draft;                // final latents of the draft; undefined: none, or not yet
  std::shared_ptr<const SourceClip> source;  // the clip to refine, once something reads it

  const Job& job() const { return planned->job; }
  const Request& request() const { return planned->job.request; }
};

}  // namespace t3
