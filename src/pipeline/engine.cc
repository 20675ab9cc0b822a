// Engine: the public face of the pipeline.
#include "t3video/engine.h"

#include <ATen/ATen.h>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/extension.h"
#include "base/file_claims.h"
#include "base/output_lock.h"
#include "base/temporary.h"
#include "loading/load_models.h"
#include "pipeline/existing_files.h"
#include "pipeline/generation.h"
#include "pipeline/latents_file.h"
#include "pipeline/ranks/follower.h"
#include "pipeline/ranks/join.h"
#include "pipeline/ranks/shared_decoder.h"
#include "pipeline/run_files.h"
#include "pipeline/run_plan.h"
#include "pipeline/text_stage.h"
#include "runtime/device.h"

namespace t3 {
namespace {

RunSettings SettleOptions(const ModelFiles& files, const RunOptions& options) {
  RunSettings settings;
  settings.device = RankDevice(ResolveDevice(options.device), options.device, options.ranks);
  settings.dtype = ResolveDtype(options.dtype, settings.device);
  settings.limits = {options.memory_limit, options.host_memory_limit};
  settings.files = files;
  settings.options = options;
  SetUpDevice(settings.device, options);
  return settings;
}

}  // namespace

class Engine::Impl {
 public:
  Impl(const ModelFiles& files, const RunOptions& options)
      : model(OpenModel(files, FolderLoras::kApplied)),
        settings(SettleOptions(files, options)),
        planner(model, settings),
        team(JoinRanks(options.ranks, settings.device, FactsOf(model, settings))) {}
  ~Impl() { LeaveRanks(team); }

  RunContext Context(const ProgressFn& progress, const CancelToken* cancel) const {
    return {progress, cancel, settings.device, DeviceLimit(settings.device, settings.limits)};
  }

  ModelInfo model;
  RunSettings settings;
  Planner planner;
  Team* team;  // nullptr: this process alone
  KeptNetworks kept;
};

Engine::Engine(const ModelFiles& files, const RunOptions& options)
    : impl_(std::make_unique<Impl>(files, options)) {}

Engine::~Engine() = default;

bool Engine::leads() const { return impl_->team == nullptr || impl_->team->rank() == 0; }

void Engine::Serve() {
  T3_CHECK(!leads(), "Engine::Serve is for ranks other than 0");
  Follower(impl_->model, impl_->settings, *impl_->team).Serve();
}

RunPlan Engine::Plan(const Request& request) { return impl_->planner.Plan(request); }

std::vector<Outcome> Engine::RunAll(std::span<const RunPlan> plans, const ProgressFn& progress,
                                    const CancelToken* cancel, const FinishedFn& finished) {
  const int64_t ranks = impl_->team == nullptr ? 1 : impl_->team->size();
  T3_CHECK(RanksOf(impl_->settings.options) == ranks,
           "this engine plans for {} ranks and has {}: RunOptions::ranks is the place of a process "
           "that was started as one of them",
           RanksOf(impl_->settings.options), ranks);
  const RunContext context = impl_->Context(progress, cancel);
  KeptNetworks* kept = impl_->settings.options.keep_networks && ranks == 1 ? &impl_->kept : nullptr;
  impl_->settings.kept_bytes = 0;  // the run takes them, and an interrupted one frees them
  const RunScope scope{impl_->model, impl_->settings, context, impl_->team};
  std::vector<Outcome> outcomes =
      Generation(scope, impl_->planner.weights(), kept).Run(plans, finished);
  impl_->settings.kept_bytes = impl_->kept.bytes;
  return outcomes;
}

Result Engine::Run(const RunPlan& plan, const ProgressFn& progress, const CancelToken* cancel) {
  const std::vector<Outcome> outcomes = RunAll(std::span(&plan, 1), progress, cancel, {});
  if (outcomes.front().error) std::rethrow_exception(outcomes.front().error);
  return outcomes.front().result;
}

Result Engine::Generate(const Request& request, const ProgressFn& progress,
                        const CancelToken* cancel) {
  return Run(Plan(request), progress, cancel);
}

std::vector<Outcome> Engine::GenerateAll(std::span<const Request> requests,
                                         const ProgressFn& progress, const CancelToken* cancel,
                                         const FinishedFn& finished) {
  std::vector<Outcome> outcomes(requests.size());
  std::vector<RunPlan> plans;
  std::vector<size_t> planned;  // index of each plan's request
  for (size_t i = 0; i < requests.size(); ++i) {
    try {
      plans.push_back(Plan(requests[i]));
      planned.push_back(i);
    } catch (...) {
      outcomes[i].error = std::current_exception();
      if (finished) finished(i, outcomes[i]);
    }
  }
  const auto note = [&](size_t index, const Outcome& outcome) {
    if (finished) finished(planned[index], outcome);
  };
  std::vector<Outcome> run = RunAll(plans, progress, cancel, note);
  for (size_t i = 0; i < run.size(); ++i) outcomes[planned[i]] = std::move(run[i]);
  return outcomes;
}

void Engine::EncodeText(const std::string& prompt,
                        const std::optional<std::string>& negative_prompt,
                        const std::string& output, const ProgressFn& progress,
                        const CancelToken* cancel, bool overwrite) {
  const ModelInfo& model = impl_->model;
  const RunContext context = impl_->Context(progress, cancel);
  CheckTextEncoder(model);
  CheckExtension("`output`", output, ".safetensors");
  FileClaims files;
  ClaimModelFiles(model, files);
  files.Write("`output`", output);
  CheckReplaceable(output, overwrite, IsPromptEmbeds);
  const OutputLock lock(output);
  RemoveStaleTemporaries(output);
  { const AtomicFile writable(output); }
  const std::string negative = negative_prompt.value_or(model.defaults.negative_prompt);
  std::vector<Result::Stage> stages;
  const auto encoded =
      EncodeTexts(model, {prompt, negative}, impl_->settings.dtype, context, stages);
  SavePromptEmbeds(output, {encoded.at(prompt), encoded.at(negative)}, prompt, negative);
}

Result Engine::Decode(const std::string& latents_path, const OutputOptions& output,
                      const ProgressFn& progress, const CancelToken* cancel) {
  const ModelInfo& model = impl_->model;
  const RunContext context = impl_->Context(progress, cancel);
  CheckDecoder(model);
  FileClaims files;
  ClaimModelFiles(model, files);
  files.Read("the latents", latents_path);
  ClaimOutput(output.path, files);
  const StoredLatents stored = ReadStoredLatents(latents_path, model, output.file.last_frame);
  const VideoGeometry& geometry = stored.geometry;
  const DecodeTarget target{output, geometry, output.fps.value_or(stored.fps), stored.metadata};
  CheckReplaceable(output, stored.metadata);
  const OutputLock lock(output.path);
  RemoveStaleTemporaries(output.path);
  CheckDecodeTarget(target);
  CheckVideoFits(target, context, impl_->settings.options.host_memory_limit);
  Result result{output.path, geometry.width, geometry.height, geometry.frames, {}, {}};
  const auto decoder = OpenDecoder(model, impl_->settings.dtype, context, impl_->team);
  Stage stage(context, "decoding", geometry.frames, "frames");
  DecodeToFile(*decoder, stored.latents, target, stage);
  stage.Finish(result.stages);
  return result;
}

}  // namespace t3
