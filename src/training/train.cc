// The parts of a training run put together.
#include "t3video/train.h"

#include <filesystem>

#include "base/check.h"
#include "base/log.h"
#include "pipeline/device.h"
#include "pipeline/model_info.h"
#include "t3video/engine.h"
#include "training/dit_task.h"
#include "training/json_fields.h"
#include "training/model_folder.h"
#include "training/prepared_source.h"
#include "training/trainer.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<BatchSource> MakeSource(const TrainConfig& config, const ModelInfo& model) {
  JsonFields fields(config.data, config.source + ": data");
  std::string prepared;
  fields.Take("prepared", &prepared);
  fields.CheckAllTaken();
  T3_CHECK(!prepared.empty(), "{}: \"data\" needs \"prepared\", a folder that `t3 prepare` made",
           config.source);
  auto source = std::make_unique<PreparedSource>(prepared, model, config);
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

}  // namespace

TrainResult Train(const std::string& config_path, const std::vector<std::string>& overrides,
                  const ProgressFn& progress, const CancelToken* cancel) {
  const TrainConfig config = ReadTrainConfig(config_path, overrides);
  const ModelInfo model = OpenModel(config.model);
  CheckNotItsBase(model, config.output);
  std::error_code error;
  fs::create_directories(config.output, error);
  T3_CHECK(!error, "cannot make the folder {}: {}", config.output, error.message());
  const RunContext context{progress, cancel, ResolveDevice(config.device)};
  const at::ScalarType dtype = ResolveDtype(config.dtype, context.device);
  DitTask task(config, model, MakeSource(config, model), dtype, context);
  Trainer trainer(config, task, context, [&](int64_t step) { MakeSamples(config, step, context); });
  trainer.Run();
  return {config.output, trainer.step(), trainer.log().empty() ? 0 : trainer.log().back().loss};
}

}  // namespace t3
