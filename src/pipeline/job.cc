// Deciding everything about a request before work starts.
#include "pipeline/job.h"

#include <cmath>
#include <filesystem>

#include "base/check.h"
#include "media/image.h"
#include "plan/windows.h"
#include "t3video/version.h"

namespace t3 {
namespace {

// Past this a model of unknown attention is refused: full attention would take hours, and T3
// windows on weights that were not trained for them give noise (model.md 1).
constexpr int64_t kMaxTokensUnasked = 200'000;

constexpr double kMaxGuidance = 1000;
constexpr int64_t kMaxSteps = 1000;

SamplingConfig ChooseSampling(const SamplingConfig& defaults, const Request& request) {
  SamplingConfig sampling = defaults;
  if (request.sampler) sampling.sampler = ParseSampler(*request.sampler);
  if (request.steps) sampling.steps = *request.steps;
  if (request.guidance) sampling.guidance = *request.guidance;
  if (request.shift) sampling.shift = *request.shift;
  if (sampling.steps < 1 || sampling.steps > kMaxSteps) {
    FailUsage("--steps {} is outside 1 to {}", sampling.steps, kMaxSteps);
  }
  if (!(sampling.shift > 0) || !std::isfinite(sampling.shift)) {
    FailUsage("--shift {} must be a positive number", sampling.shift);
  }
  if (!std::isfinite(sampling.guidance) || std::abs(sampling.guidance) > kMaxGuidance) {
    FailUsage("--guidance {} must be a number of at most {} in size", sampling.guidance,
              kMaxGuidance);
  }
  return sampling;
}

struct Size {
  int64_t width;
  int64_t height;
};

// The model's area at the image's aspect, rounded to sizes the model can make.
Size SizeOfImage(const std::string& path, const GenerationDefaults& defaults, int64_t multiple) {
  const Image image = ReadImage(path);
  const double area = static_cast<double>(defaults.width) * static_cast<double>(defaults.height);
  const double aspect = static_cast<double>(image.width) / static_cast<double>(image.height);
  const auto round_to = [multiple](double value) {
    return std::max(
        multiple,
        static_cast<int64_t>(std::lround(value / static_cast<double>(multiple))) * multiple);
  };
  return {round_to(std::sqrt(area * aspect)), round_to(std::sqrt(area / aspect))};
}

Size ChooseSize(const ModelInfo& model, const Request& request, int64_t multiple) {
  if (request.width && request.height) return {*request.width, *request.height};
  if (!request.image.empty()) return SizeOfImage(request.image, model.defaults, multiple);
  return {model.defaults.width, model.defaults.height};
}

bool SameFile(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return !a.empty() && !b.empty() &&
         std::filesystem::weakly_canonical(a, ignored) ==
             std::filesystem::weakly_canonical(b, ignored);
}

void CheckInputs(const ModelInfo& model, const Request& request) {
  if (!request.image.empty() && model.dit.latent_channels != 48) {
    FailUsage(
        "--image needs a model that makes video from images (Wan2.2-TI2V, 48 latent channels); "
        "this one has {} latent channels",
        model.dit.latent_channels);
  }
  if (!request.text_embeds.empty() && request.negative_prompt) {
    FailUsage(
        "--negative-prompt has no effect with --text-embeds, which carries its own; give it to "
        "`t3 encode-text`");
  }
  for (const std::string& input : {request.image, request.text_embeds, request.noise}) {
    std::error_code ignored;
    T3_CHECK(input.empty() || std::filesystem::is_regular_file(input, ignored),
             "{}: there is no such file", input);
    for (const std::string& output : {request.output, request.save_latents}) {
      if (SameFile(input, output))
        FailUsage("{} would be written over the input {}", output, input);
    }
  }
  if (SameFile(request.output, request.save_latents)) {
    FailUsage("--output and --save-latents are the same file {}", request.output);
  }
}

}  // namespace

bool UsesPublishedWindows(const TrainedAttention& trained, const std::string& pattern,
                          const std::string& windows) {
  const AttentionPattern used = pattern == "auto" ? trained.pattern : ParseAttention(pattern);
  return used != AttentionPattern::kFull && windows.empty() && trained.windows.empty();
}

AttentionChoice ChooseAttention(const ModelInfo& model, const std::string& pattern,
                                const std::string& windows, const Grid& grid) {
  AttentionChoice choice;
  const bool asked = pattern != "auto";
  choice.pattern = asked ? ParseAttention(pattern) : model.attention.pattern;
  if (choice.pattern == AttentionPattern::kFull) {
    if (!windows.empty()) {
      FailUsage(
          "--windows was given, but the attention is full and has no windows; give --attention "
          "t3, close, remote or swin with it");
    }
    T3_CHECK(
        asked || model.attention.known || grid.tokens() <= kMaxTokensUnasked,
        "{} does not say which attention it was trained with, and {} tokens are more than {}; "
        "give --attention t3 for a T3 model, or --attention full to have full attention anyway",
        model.paths.dit, grid.tokens(), kMaxTokensUnasked);
    choice.windows = {WindowCounts{}};
    choice.windows_source = "none";
    return choice;
  }
  if (!windows.empty()) {
    choice.windows = ParseWindows(windows);
    choice.windows_source = "command line";
  } else if (!model.attention.windows.empty()) {
    choice.windows = ParseWindows(model.attention.windows);
    choice.windows_source = "model";
  } else {
    choice.windows = PlanWindows(grid, PublishedWindows(FamilyOf(model.dit.latent_channels)));
    choice.windows_source = fmt::format("planner {}", kPlannerVersion);
  }
  CheckWindows(choice.windows, grid);
  return choice;
}

Job PlanJob(const ModelInfo& model, const Request& request) {
  RequireDit(model);
  CheckInputs(model, request);
  if (request.width.has_value() != request.height.has_value()) {
    FailUsage("a width without a height (or the other way round) was given; give both");
  }
  const VaeConfig vae = VaeOf(model);
  Job job;
  job.request = request;
  const Size size = ChooseSize(model, request, 2 * vae.spatial_stride());
  const int64_t frames = request.frames.value_or(model.defaults.frames);
  job.geometry = UsesPublishedWindows(model.attention, request.attention, request.windows)
                     ? PlanWindowedVideo(size.width, size.height, frames, vae,
                                         PublishedWindows(FamilyOf(model.dit.latent_channels)).grid)
                     : PlanVideo(size.width, size.height, frames, vae);
  const VideoGeometry& made = job.geometry;
  if (made.made_width != made.width || made.made_height != made.height) {
    job.notes.push_back(fmt::format(
        "{}x{} is made at {}x{}, a size that the model makes (multiples of {} pixels; "
        "for T3 the trained size where it is just above), and cropped",
        made.width, made.height, made.made_width, made.made_height, 2 * vae.spatial_stride()));
  }
  job.attention = ChooseAttention(model, request.attention, request.windows, made.grid);
  job.sampling = ChooseSampling(model.defaults.sampling, request);
  job.negative_prompt = request.negative_prompt.value_or(model.defaults.negative_prompt);
  job.fps = request.fps.value_or(model.defaults.fps);
  if (!(job.fps > 0) || job.fps > 1000) FailUsage("--fps {} is outside 0 to 1000", job.fps);
  return job;
}

Metadata JobMetadata(const ModelInfo& model, const Job& job, const std::string& dtype) {
  const BuildInfo& build = GetBuildInfo();
  Metadata metadata{
      {"t3.version", build.version + " " + build.commit},
      {"t3.model", std::filesystem::path(model.paths.dit).filename().string()},
      {"t3.prompt", job.request.prompt},
      {"t3.negative_prompt", job.negative_prompt},
      {"t3.size", fmt::format("{}x{}", job.geometry.width, job.geometry.height)},
      {"t3.frames", fmt::format("{}", job.geometry.frames)},
      {"t3.fps", fmt::format("{}", job.fps)},
      {"t3.sampler", std::string(SamplerName(job.sampling.sampler))},
      {"t3.steps", fmt::format("{}", job.sampling.steps)},
      {"t3.guidance", fmt::format("{}", job.sampling.guidance)},
      {"t3.shift", fmt::format("{}", job.sampling.shift)},
      {"t3.attention", std::string(AttentionName(job.attention.pattern))},
      {"t3.dtype", dtype},
  };
  if (job.request.noise.empty()) metadata["t3.seed"] = fmt::format("{}", job.request.seed);
  if (!job.request.noise.empty()) metadata["t3.noise"] = job.request.noise;
  if (!job.request.image.empty()) metadata["t3.image"] = job.request.image;
  if (!job.request.text_embeds.empty()) metadata["t3.text_embeds"] = job.request.text_embeds;
  if (job.attention.pattern != AttentionPattern::kFull) {
    metadata["t3.windows"] = FormatWindows(job.attention.windows);
    metadata["t3.windows_source"] = job.attention.windows_source;
  }
  for (const Lora& lora : model.loras) {
    std::string& list = metadata["t3.lora"];
    list += fmt::format("{}{}:{}", list.empty() ? "" : ";", lora.path, lora.scale);
  }
  return metadata;
}

}  // namespace t3
