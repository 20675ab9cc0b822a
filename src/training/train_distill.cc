// The task "distill": its teacher, data and run.
#include <utility>

#include "base/log.h"
#include "runtime/device.h"
#include "training/cache_plan.h"
#include "training/denoiser_training.h"
#include "training/distill/distill_task.h"
#include "training/distilled_notes.h"
#include "training/dit/world_latents.h"
#include "training/plan_training.h"
#include "training/train_task.h"

namespace t3 {
namespace {

PreparedDrafts DraftsFor(const DistillConfig& config) {
  if (config.objective == Objective::kRefine) return PreparedDrafts::kPairs;
  return config.refines() ? PreparedDrafts::kInPlace : PreparedDrafts::kIgnored;
}

// Of clips of the world.
ClipLatents LatentsFor(const DistillConfig& config) {
  if (config.objective == Objective::kRefine) return ClipLatents::kPairs;
  return config.uses_clips() ? ClipLatents::kRendered : ClipLatents::kZeros;
}

std::vector<InputFile> InputsOf(const ModelInfo& base, const TeacherModel& teacher) {
  std::vector<InputFile> inputs = InputsOf(base, "model");
  if (teacher.is_base) return inputs;
  const std::vector<InputFile> more = InputsOf(teacher.model, "teacher");
  inputs.insert(inputs.end(), more.begin(), more.end());
  return inputs;
}

TrainPlan PlanOf(const DistillConfig& config, const ModelInfo& base, const TeacherModel& teacher,
                 const PreparedSource* prepared, at::Device device, const RankLayout& layout) {
  TrainPlan plan = PlanDistillTraining(config, base, teacher, prepared, device,
                                       ResolveDtype(config.dtype, device), layout);
  plan.caches = PlanCaches(config, base, LatentsFor(config));
  plan.notes = DistilledNotes(config, teacher);
  return plan;
}

}  // namespace

TrainPlan PlanTask(const DistillConfig& config, at::Device device, int64_t ranks) {
  const RankLayout layout = ChooseRankLayout(ranks, config.accumulation, {}, /*heads=*/1);
  const ModelInfo base = OpenBase(config);
  const TeacherModel teacher = OpenTeacher(config, base);
  CheckModelReplaceable(config, WrittenFiles(config), InputsOf(base, teacher));
  const auto prepared = FindDataset(config, base, DraftsFor(config));
  TrainPlan plan = PlanOf(config, base, teacher, prepared.get(), device, layout);
  if (!IsMadeFirst(config)) {
    CheckResumable(config, [&] {
      return DistillIdentity(config, base, teacher, DataDigest(config, base, prepared.get()));
    });
  }
  return plan;
}

TrainResult TrainTask(const DistillConfig& config, const RunContext& context,
                      const AnnounceFn& announce, TrainRanks& ranks) {
  const at::ScalarType dtype = ResolveDtype(config.dtype, context.device);
  const ModelInfo base = OpenBase(config);
  const TeacherModel teacher = OpenTeacher(config, base);
  CheckModelReplaceable(config, WrittenFiles(config), InputsOf(base, teacher));
  const RankLayout layout = ranks.LayoutFor(config, /*heads=*/1);
  const auto folder = BeginOutput(config, context, ranks);
  auto prepared = OpenDataset(config, base, DraftsFor(config));
  if (ranks.leads()) {
    AnnouncePlan(config, PlanOf(config, base, teacher, prepared.get(), context.device, layout),
                 announce);
  }
  std::unique_ptr<BatchSource> source = std::move(prepared);
  ranks.Together([&](Team* team) {
    if (source) return;
    source = std::make_unique<WorldLatents>(config, base, dtype, context, LatentsFor(config), team);
  });
  spdlog::info("training on {}", source->Description());
  DistillTask task(config, base, teacher, std::move(source), dtype, context);
  TrainHooks hooks = SampleHooks(config, context);
  hooks.gate_every = config.gates.every_steps;
  hooks.gate = [&task](const TensorMap& weights) { return task.Gate(weights); };
  return ranks.Run(config, layout, task, context, std::move(hooks));
}

}  // namespace t3
