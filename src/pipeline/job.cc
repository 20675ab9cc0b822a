// Deciding everything about a request before work starts.
#include "pipeline/job.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/text.h"
#include "pipeline/choose_refinement.h"
#include "pipeline/choose_sampling.h"
#include "pipeline/decode_target.h"
#include "plan/windows.h"
#include "sampling/schedule.h"

namespace t3 {
namespace {

// Beyond this a model of unknown attention is refused: full attention would take hours, and T3
// windows on weights that were not trained for them give noise (model.md 1).
constexpr int64_t kMaxTokensUnasked = 200'000;

// The model's area at the aspect of what the video starts from.
VideoSize ChooseSize(const ModelInfo& model, const Request& request, const JobInputs& inputs,
                     int64_t multiple) {
  if (request.params.size) return *request.params.size;
  const auto aspect = [](int64_t width, int64_t height) {
    return static_cast<double>(width) / static_cast<double>(height);
  };
  const GenerationDefaults& defaults = model.defaults;
  const double area = static_cast<double>(defaults.width) * static_cast<double>(defaults.height);
  if (inputs.video != nullptr)
    return SizeOfAspect(area, aspect(inputs.video->width, inputs.video->height), multiple);
  if (inputs.image != nullptr)
    return SizeOfAspect(area, aspect(inputs.image->width, inputs.image->height), multiple);
  return {defaults.width, defaults.height};
}

void CheckTexts(const Request& request) {
  if (!IsUtf8(request.prompt)) FailUsage("`prompt` is not UTF-8 text: {}", Quote(request.prompt));
  if (!IsUtf8(request.negative_prompt.value_or("")))
    FailUsage("`negative-prompt` is not UTF-8 text: {}", Quote(*request.negative_prompt));
  if (request.text_embeds.empty()) return;
  if (!request.prompt.empty()) {
    FailUsage(
        "`prompt` has no effect with `text-embeds`, which carries its own; give one of the two");
  }
  if (request.negative_prompt) {
    FailUsage(
        "`negative-prompt` has no effect with `text-embeds`, which carries its own; give it to "
        "`t3 encode-text`");
  }
}

void CheckRequest(const ModelInfo& model, const Request& request) {
  if (!request.image.empty() && model.dit.latent_channels != 48) {
    FailUsage(
        "`image` needs a model that makes video from images (Wan2.2-TI2V, 48 latent channels); "
        "this one has {} latent channels",
        model.dit.latent_channels);
  }
  if (!request.image.empty() && !request.video.empty())
    FailUsage(
        "`image` gives the first frame and `video` all frames to start from; give one of the two");
  CheckTexts(request);
  CheckNumbers(request.params);
  StatedDraftSampling(request);  // throws for what cannot be read
  if (request.checkpoint.every.value_or(0) < 0)
    FailUsage("`checkpoint-every` {} is negative; 0 writes none", *request.checkpoint.every);
  if (request.preview.every.value_or(1) < 1)
    FailUsage("`preview-every` {} is less than 1", *request.preview.every);
}

// Windowed weights without a table of their own prefer the grid that their windows were published
// for. A repeated run names its windows, and gets the same grid.
VideoGeometry PlanGeometry(const ModelInfo& model, const GenerationParams& params, VideoSize size,
                           int64_t frames, const VaeConfig& vae) {
  const AttentionPattern pattern = params.attention.value_or(model.attention.pattern);
  if (pattern != AttentionPattern::kFull && model.attention.windows.empty()) {
    const WindowTable& published = PublishedWindows(FamilyOf(model.dit.latent_channels));
    const VideoGeometry padded =
        PlanWindowedVideo(size.width, size.height, frames, vae, published.grid);
    if (params.windows.empty() || params.windows == PlanWindows(padded.grid, published))
      return padded;
  }
  return PlanVideo(size.width, size.height, frames, vae);
}

// Settings that have no effect without a clip to start from, or at this strength.
std::vector<std::string> RefinementNotes(const Job& job) {
  const Request& request = job.request;
  std::vector<std::string> notes;
  const auto without_effect = [&](bool given, const char* option, const char* why) {
    if (given) notes.push_back(fmt::format("`{}` has no effect {}", option, why));
  };
  if (!job.draft_size) {
    without_effect(request.params.draft_steps.has_value(), "draft-steps", "without `draft`");
    without_effect(!request.params.draft_sampling.empty(), "draft-sampling", "without `draft`");
    without_effect(!request.draft_dit.empty(), "draft-dit", "without `draft`");
    without_effect(!request.output.keep_draft.empty(), "keep-draft", "without `draft`");
  }
  if (!job.refines()) {
    without_effect(request.params.strength.has_value(), "strength", "without `video` or `draft`");
    without_effect(request.match_colors.has_value(), "match-colors", "without `video` or `draft`");
  } else if (job.sampling.strength == 0) {
    without_effect(request.params.steps.has_value(), "steps", "at `strength` 0");
    without_effect(request.match_colors.has_value(), "match-colors", "at `strength` 0");
  } else if (job.sampling.strength == 1) {
    notes.push_back(
        "at `strength` 1 nothing of the clip to refine is used but its frame rate and audio");
  }
  return notes;
}

// Settings that have no effect are named rather than dropped.
void AddNotes(const ModelInfo& model, const JobInputs& inputs, Job& job) {
  const Request& request = job.request;
  const VideoGeometry& video = job.geometry;
  const auto note = [&](std::string text) { job.notes.push_back(std::move(text)); };
  if (video.padded_width != video.width || video.padded_height != video.height) {
    note(
        fmt::format("{}x{} is generated at {}x{} and cropped: sizes are multiples of {} "
                    "pixels for this model, and T3 prefers the size it was trained at",
                    video.width, video.height, video.padded_width, video.padded_height,
                    2 * VaeOf(model).spatial_stride()));
  }
  if (job.sampling.guidance == 1 && request.negative_prompt.value_or("") != "" &&
      *request.negative_prompt != model.defaults.negative_prompt)
    note("`negative-prompt` has no effect at `guidance` 1");
  if (request.seed && !request.noise.empty() && !AddsNoise(job.sampling.sampler))
    note("`seed` has no effect with `noise`, which takes its place");
  for (std::string& text : SamplingNotes(DenoisedBy(model, job), request.params, job.sampling))
    note(std::move(text));
  const FileOptions& file = request.output.file;
  if (IsTensorFile(request.output.path)) {
    if (!file.codec.empty()) note("`codec` has no effect on latents");
    if (file.crf) note("`crf` has no effect on latents");
    if (!file.pixel_format.empty()) note("`pix-fmt` has no effect on latents");
  }
  if (request.preview.every && request.preview.path.empty())
    note("`preview-every` has no effect without `preview`");
  const auto scaled = [&](const char* what, int64_t width, int64_t height) {
    if (width != video.padded_width || height != video.padded_height) {
      note(fmt::format("the {} of {}x{} is scaled to cover {}x{}, and its center is used", what,
                       width, height, video.padded_width, video.padded_height));
    }
  };
  if (inputs.image != nullptr) scaled("image", inputs.image->width, inputs.image->height);
  if (inputs.video != nullptr) {
    scaled("source video", inputs.video->width, inputs.video->height);
    for (const std::string& text : inputs.video->notes) note(text);
  }
  for (std::string& text : RefinementNotes(job)) note(std::move(text));
}

// The frames to write: as asked for, else all of the source video or the model's number.
int64_t ChooseFrames(const ModelInfo& model, const Request& request, const SourceInfo* video) {
  const std::optional<int64_t>& asked = request.params.frames;
  if (video == nullptr) return asked.value_or(model.defaults.frames);
  if (asked && (*asked < 1 || *asked > video->frames)) {
    FailUsage("`frames` {} is outside 1 to {}, the frames of the source video at {} fps", *asked,
              video->frames, video->fps);
  }
  return asked.value_or(video->frames);
}

// Sizes of the whole video and of its segments.
void PlanSizes(const ModelInfo& model, VideoSize size, int64_t frames, Job& job) {
  constexpr int64_t kStride = VaeConfig::kTimeStride;
  const VaeConfig vae = VaeOf(model);
  const GenerationParams& params = job.request.params;
  // A source clip of any length is generated to the next 4n+1 frames and cut.
  const int64_t generated =
      job.request.video.empty() ? frames : (frames + kStride - 2) / kStride * kStride + 1;
  const int64_t together = job.refines() ? std::min(generated, model.defaults.frames) : generated;
  job.segment = PlanGeometry(model, params, size, together, vae);
  job.geometry = job.segment;
  job.geometry.frames = frames;
  job.geometry.latent.t = job.geometry.grid.t = (generated - 1) / kStride + 1;
  job.segments = PlanSegments(job.geometry.latent.t, job.segment.latent.t,
                              SegmentOverlap(job.segment.latent.t));
}

}  // namespace

const ModelInfo& DenoisedBy(const ModelInfo& model, const Job& job) {
  const double strength = job.sampling.strength;
  return job.refines() && strength > 0 && strength < 1 ? RefinerOf(model) : model;
}

int64_t Job::steps() const { return sampling.strength == 0 ? 0 : StepCount(sampling); }

JobAttention ChooseAttention(const ModelInfo& model, std::optional<AttentionPattern> pattern,
                             const WindowCycle& windows, const Grid& grid) {
  JobAttention attention;
  attention.pattern = pattern.value_or(model.attention.pattern);
  if (attention.pattern == AttentionPattern::kFull) {
    if (!windows.empty()) {
      FailUsage(
          "`windows` was given, but the attention is full and has no windows; give `attention` "
          "t3, close, remote or swin with it");
    }
    T3_CHECK(pattern || model.attention.known || grid.tokens() <= kMaxTokensUnasked,
             "{} does not say which attention it was trained with, and {} tokens are more than {}; "
             "give `attention` t3 for a T3 model, or `attention` full to run full attention anyway",
             model.paths.dit, grid.tokens(), kMaxTokensUnasked);
    attention.windows = {WindowCounts{}};
    attention.windows_source = "none";
    return attention;
  }
  if (!model.attention.windows.empty()) {
    attention.windows = ParseWindows(model.attention.windows);
    attention.windows_source = "model";
  } else {
    attention.windows = PlanWindows(grid, PublishedWindows(FamilyOf(model.dit.latent_channels)));
    attention.windows_source = fmt::format("planner {}", kPlannerVersion);
  }
  // Windows that are named have the same source as when they are chosen: a repeated run is equal.
  if (!windows.empty() && windows != attention.windows) {
    attention.windows = windows;
    attention.windows_source = "command line";
  }
  CheckWindows(attention.windows, grid);
  return attention;
}

Job PlanJob(const ModelInfo& model, const Request& request, const JobInputs& inputs) {
  CheckRequest(model, request);
  Job job;
  job.request = request;
  const VideoSize size = ChooseSize(model, request, inputs, 2 * VaeOf(model).spatial_stride());
  job.draft_size = ChooseDraft(model, request, size);
  if (job.draft_size) job.draft_steps = ChooseDraftSteps(model, request);
  if (request.params.draft || model.defaults.draft) job.draft = DraftChoice{job.draft_size};
  PlanSizes(model, size, ChooseFrames(model, request, inputs.video), job);
  job.attention =
      ChooseAttention(model, request.params.attention, request.params.windows, job.segment.grid);
  const double strength = ChooseStrength(RefinerOf(model), request);
  if (job.refines()) job.sampling.strength = strength;
  job.sampling = ChooseSampling(DenoisedBy(model, job).defaults.sampling, request.params);
  if (job.refines()) job.sampling.strength = strength;
  job.negative_prompt = request.negative_prompt.value_or(model.defaults.negative_prompt);
  job.fps =
      request.output.fps.value_or(inputs.video != nullptr ? inputs.video->fps : model.defaults.fps);
  CheckFps(job.fps);
  AddNotes(model, inputs, job);
  return job;
}

int64_t ExcludedSteps(const Job& job, at::ScalarType dtype) {
  const int64_t steps = job.request.params.fp8_exclude_steps.value_or(0);
  if (steps > 0 && dtype != at::kFloat8_e4m3fn)
    FailUsage("`fp8-exclude-steps` {}: no step computes in fp8; give `dtype` fp8 too", steps);
  return steps;
}

VideoPlan ToVideoPlan(const ModelInfo& model, const Job& job) {
  const VideoGeometry& video = job.geometry;
  VideoPlan plan;
  plan.width = video.width;
  plan.height = video.height;
  plan.frames = video.frames;
  plan.fps = job.fps;
  plan.padded_width = video.padded_width;
  plan.padded_height = video.padded_height;
  plan.latent_channels = model.dit.latent_channels;
  plan.latent = video.latent;
  plan.grid = video.grid;
  return plan;
}

AttentionPlan ToAttentionPlan(const ModelInfo& model, const JobAttention& attention) {
  const bool full = attention.pattern == AttentionPattern::kFull;
  return {attention.pattern, model.attention.pattern, model.attention.known,
          full ? WindowCycle{} : attention.windows, attention.windows_source};
}

DraftPlan ToDraftPlan(const ModelInfo& model, const Job& draft) {
  return {model.paths.dit, model.loras, ToVideoPlan(model, draft),
          ToAttentionPlan(model, draft.attention), draft.steps()};
}

}  // namespace t3
