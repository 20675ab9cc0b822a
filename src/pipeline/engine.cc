// Engine: the public face of the pipeline.
#include "t3video/engine.h"

#include <ATen/ATen.h>

#include "base/atomic_file.h"
#include "base/check.h"
#include "pipeline/describe_run.h"
#include "pipeline/device.h"
#include "pipeline/generation.h"
#include "pipeline/latents_file.h"
#include "pipeline/load_models.h"
#include "pipeline/text_stage.h"

namespace t3 {

class Engine::Impl {
 public:
  Impl(const ModelFiles& files, const RunOptions& options) : model(OpenModel(files)) {
    settings.device = ResolveDevice(options.device);
    settings.dtype = ResolveDtype(options.dtype, settings.device);
    settings.limits = {options.memory_limit, options.host_memory_limit};
    settings.files = files;
    settings.options = options;
    SetUpDevice(settings.device, options);
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
  const StoredLatents stored = ReadStoredLatents(latents_path, model, file.last_frame);
  const VideoGeometry& geometry = stored.geometry;
  const DecodeTarget target{output, geometry, fps > 0 ? fps : stored.fps, file, stored.metadata};
  CheckDecodeTarget(target);
  Result result{output, geometry.width, geometry.height, geometry.frames, {}, {}};
  const Vae vae = LoadVae(model, VaeHalf::kDecoder, impl_->settings.dtype, context);
  Stage stage(context, "decoding", geometry.frames, "frames");
  DecodeToFile(vae, stored.latents, target, stage);
  stage.Finish(result.stages);
  return result;
}

}  // namespace t3
