// Deciding everything about a request before work starts.
#include "pipeline/job.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/text.h"
#include "pipeline/decode.h"
#include "plan/windows.h"

namespace t3 {
namespace {

// Beyond this a model of unknown attention is refused: full attention would take hours, and T3
// windows on weights that were not trained for them give noise (model.md 1).
constexpr int64_t kMaxTokensUnasked = 200'000;

constexpr double kMaxGuidance = 1000;
constexpr int64_t kMaxSteps = 1000;
// The schedule maps sigma to shift * sigma / (1 + (shift - 1) * sigma): outside this range all
// steps fall on one end of it in fp32.
constexpr double kMinShift = 1e-3, kMaxShift = 1e3;
constexpr double kMaxFps = 1000;

SamplingConfig ChooseSampling(const SamplingConfig& defaults, const GenerationParams& params) {
  SamplingConfig sampling = defaults;
  sampling.sampler = params.sampler.value_or(sampling.sampler);
  sampling.steps = params.steps.value_or(sampling.steps);
  sampling.guidance = params.guidance.value_or(sampling.guidance);
  sampling.shift = params.shift.value_or(sampling.shift);
  if (sampling.steps < 1 || sampling.steps > kMaxSteps)
    FailUsage("`steps` {} is outside 1 to {}", sampling.steps, kMaxSteps);
  if (!(sampling.shift >= kMinShift && sampling.shift <= kMaxShift))
    FailUsage("`shift` {} is outside {} to {}", sampling.shift, kMinShift, kMaxShift);
  if (!(sampling.guidance >= 0 && sampling.guidance <= kMaxGuidance))
    FailUsage("`guidance` {} is outside 0 to {}", sampling.guidance, kMaxGuidance);
  return sampling;
}

// The model's area at the image's aspect, rounded to sizes the model can generate.
VideoSize SizeOfImage(const Image& image, const GenerationDefaults& defaults, int64_t multiple) {
  const double area = static_cast<double>(defaults.width) * static_cast<double>(defaults.height);
  const double aspect = static_cast<double>(image.width) / static_cast<double>(image.height);
  const auto round_to = [multiple](double value) {
    return std::max(
        multiple,
        static_cast<int64_t>(std::lround(value / static_cast<double>(multiple))) * multiple);
  };
  return {round_to(std::sqrt(area * aspect)), round_to(std::sqrt(area / aspect))};
}

VideoSize ChooseSize(const ModelInfo& model, const Request& request, const Image* image,
                     int64_t multiple) {
  if (request.params.size) return *request.params.size;
  if (image != nullptr) return SizeOfImage(*image, model.defaults, multiple);
  return {model.defaults.width, model.defaults.height};
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
  CheckTexts(request);
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

// Settings that have no effect are named rather than dropped.
void AddNotes(const ModelInfo& model, const Image* image, Job& job) {
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
  if (request.seed && !request.noise.empty())
    note("`seed` has no effect with `noise`, which takes its place");
  const FileOptions& file = request.output.file;
  if (IsTensorFile(request.output.path)) {
    if (!file.codec.empty()) note("`codec` has no effect on latents");
    if (file.crf) note("`crf` has no effect on latents");
    if (!file.pixel_format.empty()) note("`pix-fmt` has no effect on latents");
  }
  if (request.preview.every && request.preview.path.empty())
    note("`preview-every` has no effect without `preview`");
  if (image != nullptr &&
      (image->width != video.padded_width || image->height != video.padded_height)) {
    note(fmt::format("the image of {}x{} is scaled to cover {}x{}, and its centre is used",
                     image->width, image->height, video.padded_width, video.padded_height));
  }
}

}  // namespace

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

Job PlanJob(const ModelInfo& model, const Request& request, const Image* image) {
  CheckRequest(model, request);
  const VaeConfig vae = VaeOf(model);
  Job job;
  job.request = request;
  const VideoSize size = ChooseSize(model, request, image, 2 * vae.spatial_stride());
  const int64_t frames = request.params.frames.value_or(model.defaults.frames);
  job.geometry = PlanGeometry(model, request.params, size, frames, vae);
  job.attention =
      ChooseAttention(model, request.params.attention, request.params.windows, job.geometry.grid);
  job.sampling = ChooseSampling(model.defaults.sampling, request.params);
  job.negative_prompt = request.negative_prompt.value_or(model.defaults.negative_prompt);
  job.fps = request.output.fps.value_or(model.defaults.fps);
  if (!(job.fps > 0 && job.fps <= kMaxFps))
    FailUsage("`fps` {} is not above 0 and at most {}", job.fps, kMaxFps);
  AddNotes(model, image, job);
  return job;
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

}  // namespace t3
