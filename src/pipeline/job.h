// A request with everything decided: size, windows, sampling.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/presets.h"
#include "loading/model_info.h"
#include "media/image.h"
#include "media/video_source.h"
#include "plan/geometry.h"
#include "plan/segments.h"
#include "t3video/plan.h"
#include "t3video/request.h"

namespace t3 {

struct JobAttention {
  AttentionPattern pattern = AttentionPattern::kFull;
  WindowCycle windows;         // one entry (1,1,1) for full attention
  std::string windows_source;  // "model", "planner 1", "command line" for others, or "none"
};

struct Job {
  Request request;
  VideoGeometry geometry;
  // Latent frames that are denoised together. A refined clip that is longer than the model's has
  // several segments of `segment`'s size; else `segment` is the whole video.
  std::vector<ClipSegment> segments;
  VideoGeometry segment;
  JobAttention attention;
  SamplingConfig sampling;
  std::string negative_prompt;
  double fps = 16;
  std::optional<VideoSize> draft_size;  // of the clip that is generated first
  int64_t draft_steps = 0;
  std::string draft_sampling;        // as the run is recorded; empty: the other settings say it
  std::optional<DraftChoice> draft;  // as the run is recorded; absent: the model has none
  std::vector<std::string> notes;
  std::optional<DecoderFile> preview_decoder;  // absent: previews, if any, are painted by a map

  // Whether the video starts from a clip: a source video or a draft.
  bool refines() const { return draft_size || !request.video.empty(); }
  // Denoising steps; none at strength 0.
  int64_t steps() const;
};

// What a request names that decides its job; nullptr where it names none.
struct JobInputs {
  const Image* image = nullptr;       // its aspect decides the size where none was given
  const SourceInfo* video = nullptr;  // likewise, and the frames and the frame rate
};

// The model that denoises the job's video: at a strength between 0 and 1 the one that refines.
const ModelInfo& DenoisedBy(const ModelInfo& model, const Job& job);

// Fills in what the request leaves open and checks all of it but the files it names. Throws Error
// of kind kUsage for values that no model could take, kFailed for those this model cannot.
Job PlanJob(const ModelInfo& model, const Request& request, const JobInputs& inputs = {});

// How many of the first and of the last steps of a run in `dtype` compute in bf16 instead of fp8.
// Throws Error of kind kUsage if there are some and the dtype is another.
int64_t ExcludedSteps(const Job& job, at::ScalarType dtype);

// Attention and windows for `grid`: as asked for, else as the model was trained. Throws Error of
// kind kUsage for windows with full attention, kFailed when the model's attention is unknown and
// the grid has more than 200,000 tokens.
JobAttention ChooseAttention(const ModelInfo& model, std::optional<AttentionPattern> pattern,
                             const WindowCycle& windows, const Grid& grid);

// The job's video and attention as the public structs, and a draft's job as a whole.
VideoPlan ToVideoPlan(const ModelInfo& model, const Job& job);
AttentionPlan ToAttentionPlan(const ModelInfo& model, const JobAttention& attention);
DraftPlan ToDraftPlan(const ModelInfo& model, const Job& draft);

}  // namespace t3
