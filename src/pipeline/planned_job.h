// What the engine keeps of a plan: the decided job, its draft, and the inputs that were read.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loading/model_info.h"
#include "media/image.h"
#include "pipeline/decode_target.h"
#include "pipeline/job.h"
#include "pipeline/memory_check.h"
#include "pipeline/state/run_state.h"
#include "pipeline/text_embeds.h"

namespace t3 {

// A draft on its own: a run whose video stays in memory.
struct PlannedDraft {
  std::shared_ptr<const ModelInfo> model;  // with the draft's own denoiser; nullptr: the video's
  Job job;
  RunMemory memory;
  std::optional<Image> image;  // scaled to the draft's padded size
  Metadata metadata;           // of its file
};

// A video, as far as it is decided before the work.
struct PlannedJob {
  Job job;
  std::optional<PlannedDraft> draft;
  DecodeTarget target;
  RunIdentity identity;
  RunMemory memory;
  std::optional<FoundRun> found;     // the state that an earlier run left
  std::optional<Image> image;        // scaled to the padded size
  std::optional<SourceInfo> source;  // of the source video
  at::Tensor noise;                  // of a file, (z,T,h,w) fp32; undefined: drawn from the seed
  PromptEmbeds embeds;               // of a file; empty: encoded from the prompts
};

// Whether the run leaves a state beside its output until it is complete; one without a path does
// not.
bool KeepsState(const Request& request);

// Steps of the draft; 0 without one.
int64_t DraftSteps(const PlannedJob& planned);

// Whether the video or its draft is guided, and so needs the negative prompt.
bool NeedsNegative(const PlannedJob& planned);

// Where the draft's frames go: to `path`.
DecodeTarget DraftTarget(const PlannedJob& planned, const std::string& path);

// (z,T,h,w) of the job's latents.
std::vector<int64_t> LatentShape(const ModelInfo& model, const Job& job);

}  // namespace t3
