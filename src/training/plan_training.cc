// Puts together what a training run needs.
#include "training/plan_training.h"

#include "base/check.h"
#include "base/free_space.h"
#include "runtime/device.h"
#include "training/loop/best_model.h"
#include "training/planned_weights.h"
#include "training/planned_work.h"

namespace t3 {
namespace {

void FillShared(const TrainConfig& config, at::Device device, at::ScalarType dtype,
                const RankLayout& layout, TrainPlan* plan) {
  plan->ranks = layout.ranks;
  plan->sequence_parallel = layout.sequence;
  plan->output = config.output;
  plan->device = fmt::format("{} ({})", DeviceName(device), device.str());
  plan->dtype = dtype == at::kBFloat16 ? "bf16" : "fp32";
  plan->steps = config.steps;
  plan->accumulation = config.accumulation;
  plan->device_bytes = AvailableBytes(device);
  plan->checkpoints_kept = config.checkpoint.keep;
  plan->free_disk_bytes = FreeBytes(config.output).value_or(-1);
}

// Of the model that gates choose; none where the first ones come after the last step.
void AddBest(const TrainConfig& config, int64_t gates_every, TrainPlan* plan) {
  if (gates_every == 0 || gates_every > config.steps) return;
  plan->best_bytes = plan->model_bytes;
  plan->has_best = BestModel::IsIn(config.output);
}

}  // namespace

TrainPlan PlanDitTraining(const DitTrainConfig& config, const ModelInfo& model,
                          const PreparedSource* source, at::Device device, at::ScalarType dtype,
                          const RankLayout& layout) {
  TrainPlan plan;
  plan.task = "dit";
  plan.base = model.paths.dit;
  FillShared(config, device, dtype, layout, &plan);
  AddDenoiser(config, model, dtype, &plan);
  plan.sizes = ClipSizes(config, model, source);
  AddWork(config, model, ForwardsOfStep(config), device, dtype, &plan);
  return plan;
}

TrainPlan PlanDistillTraining(const DistillConfig& config, const ModelInfo& base,
                              const TeacherModel& teacher, const PreparedSource* source,
                              at::Device device, at::ScalarType dtype, const RankLayout& layout) {
  TrainPlan plan;
  plan.task = "distill";
  plan.base = base.paths.dit;
  FillShared(config, device, dtype, layout, &plan);
  AddDenoiser(config, base, dtype, &plan);
  AddTeacher(config, base, teacher, dtype, &plan);
  if (config.objective == Objective::kDmd) AddCritic(config, teacher, dtype, &plan);
  if (config.objective == Objective::kConsistency) AddTarget(config, base, dtype, &plan);
  plan.sizes = ClipSizes(config, base, source);
  AddWork(config, base, ForwardsOfStep(config, teacher), device, dtype, &plan);
  AddBest(config, config.gates.every_steps, &plan);
  return plan;
}

TrainPlan PlanVaeTraining(const VaeTrainConfig& config, const VaeFile& file, at::Device device,
                          at::ScalarType dtype, const RankLayout& layout) {
  TrainPlan plan;
  plan.task = "vae";
  plan.base = file.path;
  FillShared(config, device, dtype, layout, &plan);
  if (config.student) {
    AddDecoderStudent(config, file, dtype, &plan);
    AddBest(config, config.gates_every, &plan);
  } else {
    AddVae(config, file, dtype, &plan);
  }
  for (const WorldBatchKind& kind : config.world.batches) {
    plan.sizes.push_back({kind.crop_width, kind.crop_height, kind.frames, 0, kind.clips, 0});
  }
  AddVaeWork(config, file.config, dtype, &plan);
  return plan;
}

}  // namespace t3
