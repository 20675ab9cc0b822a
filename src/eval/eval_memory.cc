// Clips, and the stages of every size.
#include "eval/eval_memory.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"
#include "plan/vae_memory.h"

namespace t3 {
namespace {

// Of the clips of a job, fp32.
int64_t ClipBytes(const Job& job, int64_t clips) {
  const VideoGeometry& video = job.geometry;
  return clips * 3 * video.width * video.height * video.frames * kFloatBytes;
}

// The clips that are in memory while networks work: as made, their true renders, and those that
// they are made from or compared with.
int64_t HeldClipBytes(const EvalPlan& plan) {
  int64_t bytes = 2 * ClipBytes(plan.clips.job, plan.batch);
  if (plan.draft) bytes += ClipBytes(plan.draft->job, plan.batch);
  if (plan.small) bytes += ClipBytes(plan.small->job, plan.batch);
  return bytes;
}

// Of encoding a true clip whole, in fp32.
NetworkNeed TrueEncoderNeed(const EvalPlan& plan, const MemoryBudget& budget) {
  PlannedRun run = MemoryInputs(*plan.model, plan.clips.job, at::kFloat, budget);
  run.encoded_frames = plan.clips.job.geometry.latent.t;
  run.encoder_bytes = kFloatBytes;
  run.device_budget = 0;
  return NeedOf(PlanMemory(run), StageKind::kVideoEncoder);
}

// Clips of a plan that are denoised together. Those that are refined are not.
int64_t DenoisedTogether(const EvalPlan& plan, const ClipPlan& clips) {
  return plan.draft && &clips == &plan.clips ? 1 : plan.batch;
}

// Networks work in turn, so a job is refused or not as a run of it is.
std::optional<Error> PlanStages(const EvalPlan& plan, const MemoryBudget& budget, ClipPlan& clips) {
  const ModelInfo& denoiser = DenoisedBy(*plan.model, clips.job);
  const int64_t together = DenoisedTogether(plan, clips);
  clips.memory = PlanRunMemory(denoiser, clips.job, plan.dtype, budget, together);
  const NetworkNeed need = NeedOf(clips.memory, StageKind::kDenoiser);
  const VideoGeometry& video = clips.job.geometry;
  if (together > 1 && need.at_work > budget.device) {
    return Error(fmt::format(
        "eval: {} of {}x{} with {} denoised together need about {} ({} of it weights), but {} are "
        "available; a smaller `batch` takes less",
        Counted(together, "clip"), video.width, video.height, Counted(video.frames, "frame"),
        FormatBytes(need.at_work), FormatBytes(need.weights), FormatBytes(budget.device)));
  }
  return CheckMemory(denoiser, clips.job, plan.dtype, clips.memory);
}

// Of the plan's batch; why it does not fit, nullopt where it does.
std::optional<Error> PlanBatch(EvalPlan& plan, MemoryBudget budget) {
  const int64_t held = HeldClipBytes(plan);
  const VideoGeometry& video = plan.clips.job.geometry;
  if (held >= budget.device) {
    return Error(
        fmt::format("eval: {} of {}x{} with {} and what they are compared with take {}, but {} are "
                    "available; a smaller `batch` or `size` takes less",
                    Counted(plan.batch, "clip"), video.width, video.height,
                    Counted(video.frames, "frame"), FormatBytes(held), FormatBytes(budget.device)));
  }
  budget.device -= held;
  if (!budget.on_gpu) budget.host -= held;  // the same memory
  for (ClipPlan* clips :
       {&plan.clips, plan.draft ? &*plan.draft : nullptr, plan.small ? &*plan.small : nullptr}) {
    if (clips == nullptr) continue;
    if (auto refusal = PlanStages(plan, budget, *clips)) return refusal;
  }
  plan.room = {budget.device, budget.on_gpu ? budget.host : 0};
  plan.true_encoder = TrueEncoderNeed(plan, budget);
  return std::nullopt;
}

}  // namespace

void PlanMemoryOf(EvalPlan& plan, const RunOptions& options, at::Device device) {
  if (!plan.generates()) return;
  const MemoryBudget budget = BudgetOf(device, {options.memory_limit, options.host_memory_limit});
  while (const auto refusal = PlanBatch(plan, budget)) {
    if (plan.batch == 1 || plan.request.batch > 0) throw *refusal;
    plan.batch /= 2;
  }
}

NetworkNeed NeedOf(const MemoryPlan& plan, StageKind kind) {
  const auto stage = std::ranges::find(plan.device, kind, &StageMemory::kind);
  if (stage == plan.device.end()) return {};
  return {stage->weights, stage->total(), stage->streamed ? plan.host.weights : 0};
}

}  // namespace t3
