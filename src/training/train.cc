// The parts of a training run put together.
#include "t3video/train.h"

#include <filesystem>

#include "base/check.h"
#include "base/log.h"
#include "pipeline/device.h"
#include "pipeline/model_info.h"
#include "t3video/engine.h"
#include "training/dit/dit_task.h"
#include "weights/json_fields.h"
#include "training/dit/model_folder.h"
#include "training/dit/prepare_when_missing.h"
#include "training/dit/prepared_source.h"
#include "training/loop/trainer.h"
#include "training/vae/vae_task.h"
#include "training/vae/world_clips.h"
#include "training/dit/world_latents.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<BatchSource> MakeSource(const TrainConfig& config, const ModelInfo& model,
                                        at::ScalarType dtype, const RunContext& context) {
  JsonFields fields(config.data, config.source + ": data");
  std::string prepared;
  fields.Take("prepared", &prepared);
  const nlohmann::json* videos = fields.Find("videos");
  const nlohmann::json* world = fields.Find("world");
  fields.CheckAllTaken();
  T3_CHECK(
      prepared.empty() != (world == nullptr),
      "{}: \"data\" needs either \"prepared\", a folder that `t3 prepare` made or that is made "
      "of \"videos\", or \"world\"",
      config.source);
  T3_CHECK(videos == nullptr || world == nullptr,
           "{}: \"data\" has \"videos\" and \"world\"; wanted one of them", config.source);
  if (videos != nullptr) PrepareWhenMissing(config, *videos, prepared, context);
  std::unique_ptr<BatchSource> source;
  if (world != nullptr) {
    T3_CHECK(config.buckets.empty(),
             "{}: \"buckets\" do not go with the world, which has sizes of its own", config.source);
    source = std::make_unique<WorldLatents>(
        ParseWorldLatents(*world, config.source + ": data.world", config.batch_size, config.seed),
        config, model, dtype, context);
  } else {
    source = std::make_unique<PreparedSource>(prepared, model, config);
  }
  spdlog::info("training on {}", source->Digest());
  return source;
}

// A sample that fails is no reason to lose a run.
void MakeSamples(const TrainConfig& config, int64_t step, const RunContext& context) {
  const fs::path folder = fs::path(config.output) / "samples" / fmt::format("step-{}", step);
  fs::create_directories(folder);
  try {
    ModelFiles files;
    files.model = config.output;
    RunOptions options;
    options.device = config.device;
    options.dtype = config.dtype;
    Engine engine(files, options);
    std::vector<Request> requests;
    for (size_t i = 0; i < config.samples.prompts.size(); ++i) {
      Request& request = requests.emplace_back();
      request.prompt = config.samples.prompts[i];
      request.width = config.samples.width;
      request.height = config.samples.height;
      request.frames = config.samples.frames;
      request.steps = config.samples.steps;
      request.guidance = config.samples.guidance;
      request.seed = static_cast<uint64_t>(config.samples.seed);
      request.output = (folder / fmt::format("{}.mp4", i)).string();
    }
    for (const Outcome& outcome : engine.GenerateAll(requests, context.progress, context.cancel)) {
      if (outcome.error) std::rethrow_exception(outcome.error);
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInterrupted) return;  // the next step saves and ends the run
    spdlog::warn("samples of step {} failed: {}", step, error.what());
  }
}

TrainResult RunTask(const TrainConfig& config, Task& task, const RunContext& context,
                    Trainer::SampleFn sample = {}) {
  std::error_code error;
  fs::create_directories(config.output, error);
  T3_CHECK(!error, "cannot make the folder {}: {}", config.output, error.message());
  Trainer trainer(config, task, context, std::move(sample));
  trainer.Run();
  return {config.output, trainer.step(), trainer.log().empty() ? 0 : trainer.log().back().loss};
}

TrainResult TrainDit(const TrainConfig& config, const RunContext& context, at::ScalarType dtype) {
  const ModelInfo model = OpenModel(config.model);
  RequireDit(model);
  CheckNotItsBase(model, config.output);
  DitTask task(config, model, MakeSource(config, model, dtype, context), dtype, context);
  return RunTask(config, task, context, [&](int64_t step) { MakeSamples(config, step, context); });
}

TrainResult TrainVae(const TrainConfig& config, const RunContext& context, at::ScalarType dtype) {
  const VaeFile file = OpenVaeFile(config);
  JsonFields fields(config.data, config.source + ": data");
  const nlohmann::json* world = fields.Find("world");
  fields.CheckAllTaken();
  T3_CHECK(world != nullptr, "{}: \"data\" needs \"world\", the clips to train on", config.source);
  auto source =
      std::make_unique<WorldClips>(ParseWorldClips(*world, config.source + ": data.world",
                                                   config.batch_size, file.config.spatial_stride()),
                                   config.seed, config.accumulation, context.device);
  VaeTask task(config, file, std::move(source), dtype, context.device);
  return RunTask(config, task, context);
}

}  // namespace

TrainResult Train(const std::string& config_path, const std::vector<std::string>& overrides,
                  const ProgressFn& progress, const CancelToken* cancel) {
  const TrainConfig config = ReadTrainConfig(config_path, overrides);
  const RunContext context{progress, cancel, ResolveDevice(config.device)};
  const at::ScalarType dtype = ResolveDtype(config.dtype, context.device);
  return config.task == "vae" ? TrainVae(config, context, dtype) : TrainDit(config, context, dtype);
}

}  // namespace t3
