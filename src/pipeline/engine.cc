// Engine: the public face of the pipeline.
#include "t3video/engine.h"

#include <ATen/ATen.h>

#include "base/atomic_file.h"
#include "base/check.h"
#include "pipeline/describe_run.h"
#include "pipeline/device.h"
#include "pipeline/generation.h"
#include "pipeline/load_models.h"
#include "pipeline/tensor_file.h"
#include "pipeline/text_stage.h"

namespace t3 {
namespace {

// What a latents file says about itself, where it says it.
std::string MetadataOr(const WeightFile& file, const std::string& key,
                       const std::string& fallback) {
  const auto found = file.metadata().find(key);
  return found == file.metadata().end() ? fallback : found->second;
}

// The geometry of latents (z,T,h,w): the size in the metadata where the latents fit it, else all of
// what they decode to.
VideoGeometry GeometryOfLatents(const WeightFile& file, const at::Tensor& latents,
                                const VaeConfig& vae) {
  const int64_t stride = vae.spatial_stride();
  const int64_t height = latents.size(2) * stride;
  const int64_t width = latents.size(3) * stride;
  long long asked_width = 0;
  long long asked_height = 0;
  const std::string size = MetadataOr(file, "t3.size", "");
  const VideoGeometry whole = WholeVideo({latents.size(1), latents.size(2), latents.size(3)}, vae);
  // A video is cropped by less than two tokens (plan/geometry.h); more is another video's size.
  const int64_t most_cropped = 4 * stride;
  const auto is_crop = [&](int64_t made, int64_t asked) {
    return asked > 0 && asked <= made && made - asked < most_cropped;
  };
  if (std::sscanf(size.c_str(), "%lldx%lld", &asked_width, &asked_height) == 2 &&
      is_crop(width, asked_width) && is_crop(height, asked_height)) {
    return CroppedTo(whole, asked_width, asked_height);
  }
  return whole;
}

// What a latents file says of its run, less what only `t3 resume` needs: paths of this machine have
// no place in a video.
Metadata WithoutRunState(Metadata metadata) {
  std::erase_if(metadata, [](const auto& entry) { return entry.first.starts_with("t3.run."); });
  return metadata;
}

double FpsOfLatents(const WeightFile& file, double fallback) {
  const std::string text = MetadataOr(file, "t3.fps", "");
  const double fps = text.empty() ? fallback : std::atof(text.c_str());
  return fps > 0 ? fps : fallback;
}

}  // namespace

class Engine::Impl {
 public:
  Impl(const ModelFiles& files, const RunOptions& options) : model(OpenModel(files)) {
    settings.device = ResolveDevice(options.device);
    settings.dtype = ResolveDtype(options.dtype, settings.device);
    UseExactFloat32();
    settings.limits = {options.memory_limit, options.host_memory_limit};
    settings.files = files;
    settings.options = options;
    if (options.deterministic) UseDeterministicKernels();
    LimitDeviceMemory(settings.device, options.memory_limit);
  }

  RunContext Context(const ProgressFn& progress, const CancelToken* cancel) const {
    return {progress, cancel, settings.device, settings.limits.device};
  }

  ModelInfo model;
  RunSettings settings;
};

Engine::Engine(const ModelFiles& files, const RunOptions& options)
    : impl_(std::make_unique<Impl>(files, options)) {}

Engine::~Engine() = default;

std::vector<Outcome> Engine::GenerateAll(std::span<const Request> requests,
                                         const ProgressFn& progress, const CancelToken* cancel,
                                         const FinishedFn& finished) {
  const RunContext context = impl_->Context(progress, cancel);
  return Generation(impl_->model, impl_->settings, context).Run(requests, finished);
}

Result Engine::Generate(const Request& request, const ProgressFn& progress,
                        const CancelToken* cancel) {
  std::vector<Outcome> outcomes = GenerateAll(std::span(&request, 1), progress, cancel, {});
  if (outcomes.front().error) std::rethrow_exception(outcomes.front().error);
  return outcomes.front().result;
}

Report Engine::Describe(const Request& request) const {
  return DescribeRun(impl_->model, PlanJob(impl_->model, request), impl_->settings);
}

void Engine::EncodeText(const std::string& prompt,
                        const std::optional<std::string>& negative_prompt,
                        const std::string& output, const ProgressFn& progress,
                        const CancelToken* cancel) {
  const ModelInfo& model = impl_->model;
  const RunContext context = impl_->Context(progress, cancel);
  CheckTextEncoder(model);
  if (!IsTensorFile(output)) FailUsage("--output {} must end in .safetensors", output);
  const AtomicFile writable(output);
  const std::string negative = negative_prompt.value_or(model.defaults.negative_prompt);
  std::vector<Result::Stage> stages;
  const auto encoded =
      EncodeTexts(model, {prompt, negative}, impl_->settings.dtype, context, stages);
  SavePromptEmbeds(output, {encoded.at(prompt), encoded.at(negative)}, prompt, negative);
}

Result Engine::Decode(const std::string& latents_path, const std::string& output, double fps,
                      const FileOptions& file, const ProgressFn& progress,
                      const CancelToken* cancel) {
  const ModelInfo& model = impl_->model;
  const RunContext context = impl_->Context(progress, cancel);
  CheckVae(model);
  const auto source = WeightFile::Open(latents_path);
  const at::Tensor latents = ReadLatents(*source, "latents");
  T3_CHECK(
      latents.size(0) == model.vae->latent_channels,
      "{} holds latents with {} channels, but the VAE {} has {}; they belong to different models",
      latents_path, latents.size(0), model.paths.vae, model.vae->latent_channels);
  VideoGeometry geometry = GeometryOfLatents(*source, latents, *model.vae);
  if (file.last_frame) {
    if (*file.last_frame < 1)
      FailUsage("--last-frame {} is none; frames count from 1", *file.last_frame);
    geometry.frames = std::min(geometry.frames, *file.last_frame);
  }
  const DecodeTarget target{output, geometry,
                            fps > 0 ? fps : FpsOfLatents(*source, model.defaults.fps), file,
                            WithoutRunState(source->metadata())};
  CheckDecodeTarget(target);
  Result result{output, geometry.width, geometry.height, geometry.frames, {}, {}};
  const Vae vae = LoadVae(model, VaeHalf::kDecoder, impl_->settings.dtype, context);
  Stage stage(context, "decoding", geometry.frames, "frames");
  DecodeToFile(vae, latents, target, stage);
  stage.Finish(result.stages);
  return result;
}

}  // namespace t3
