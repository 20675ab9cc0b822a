// The task "dit": its data, validation and run.
#include <utility>

#include "base/log.h"
#include "loading/load_models.h"
#include "runtime/device.h"
#include "training/cache_plan.h"
#include "training/denoiser_training.h"
#include "training/distilled_notes.h"
#include "training/dit/dit_task.h"
#include "training/dit/world_latents.h"
#include "training/plan_training.h"
#include "training/train_task.h"

namespace t3 {
namespace {

// Clips of config.validation, one a batch, in an order that no setting of the run changes.
std::unique_ptr<BatchSource> OpenValidation(const DitTrainConfig& config, const ModelInfo& model,
                                            at::ScalarType dtype, const RunContext& context,
                                            Team* team) {
  if (config.validation.every_steps == 0) return nullptr;
  DitTrainConfig fixed = config;
  fixed.seed = 0, fixed.batch_size = 1, fixed.accumulation = 1;
  fixed.buckets.clear();
  fixed.data.world = config.validation.world;
  if (fixed.data.world) {
    return std::make_unique<WorldLatents>(fixed, model, dtype, context, ClipLatents::kRendered,
                                          team);
  }
  return std::make_unique<PreparedSource>(config.validation.prepared, model, fixed);
}

// What can be said of it before anything is loaded or rendered.
void CheckValidation(const DitTrainConfig& config, const ModelInfo& model) {
  if (config.validation.every_steps == 0 || config.validation.world) return;
  OpenValidation(config, model, at::kFloat, {{}, nullptr, at::kCPU}, nullptr);
}

TrainHooks HooksOf(const DitTrainConfig& config, DitTask& task, BatchSource* validation,
                   const RunContext& context) {
  TrainHooks hooks = SampleHooks(config, context);
  hooks.validate_every = config.validation.every_steps;
  hooks.validate = [&, validation](const TensorMap& weights) {
    double sum = 0;
    for (int64_t i = 0; i < config.validation.clips; ++i) {
      context.CheckCancelled();
      sum += task.ValidationLoss(weights, *validation, i);
    }
    return sum / static_cast<double>(config.validation.clips);
  };
  return hooks;
}

TrainPlan PlanOf(const DitTrainConfig& config, const ModelInfo& model,
                 const PreparedSource* prepared, at::Device device, const RankLayout& layout) {
  TrainPlan plan =
      PlanDitTraining(config, model, prepared, device, ResolveDtype(config.dtype, device), layout);
  plan.caches = PlanCaches(config, model, ClipLatents::kRendered);
  plan.notes = DistilledNotes(config, model);
  return plan;
}

}  // namespace

TrainPlan PlanTask(const DitTrainConfig& config, at::Device device, int64_t ranks) {
  const ModelInfo model = OpenBase(config);
  CheckModelReplaceable(config, WrittenFiles(config), InputsOf(model, "model"));
  const RankLayout layout =
      ChooseRankLayout(ranks, config.accumulation, config.sequence_parallel, model.dit.num_heads);
  const auto prepared = FindDataset(config, model);
  CheckValidation(config, model);
  TrainPlan plan = PlanOf(config, model, prepared.get(), device, layout);
  if (!IsMadeFirst(config)) {
    CheckResumable(config, [&] {
      return DitIdentity(config, model, DataDigest(config, model, prepared.get()));
    });
  }
  return plan;
}

TrainResult TrainTask(const DitTrainConfig& config, const RunContext& context,
                      const AnnounceFn& announce, TrainRanks& ranks) {
  const at::ScalarType dtype = ResolveDtype(config.dtype, context.device);
  const ModelInfo model = OpenBase(config);
  CheckModelReplaceable(config, WrittenFiles(config), InputsOf(model, "model"));
  const RankLayout layout = ranks.LayoutFor(config, model.dit.num_heads);
  const auto folder = BeginOutput(config, context, ranks);
  auto prepared = OpenDataset(config, model);
  CheckValidation(config, model);
  if (ranks.leads())
    AnnouncePlan(config, PlanOf(config, model, prepared.get(), context.device, layout), announce);
  std::unique_ptr<BatchSource> source = std::move(prepared), validation;
  ranks.Together([&](Team* team) {
    if (!source) {
      source = std::make_unique<WorldLatents>(config, model, dtype, context, ClipLatents::kRendered,
                                              team);
    }
    validation = OpenValidation(config, model, dtype, context, team);
  });
  spdlog::info("training on {}", source->Description());
  DitTask task(config, model, std::move(source), dtype, context, ranks.SequenceGroup(layout));
  return ranks.Run(config, layout, task, context, HooksOf(config, task, validation.get(), context));
}

}  // namespace t3
