// The memory plan of a run against what the machine has.
#include "pipeline/memory_check.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "pipeline/decode.h"
#include "pipeline/device.h"
#include "plan/memory.h"

namespace t3 {
namespace {

int64_t Within(int64_t limit, int64_t available) {
  return limit > 0 ? std::min(limit, available) : available;
}

int64_t HostBudget(const MemoryLimits& limits) {
  return Within(limits.host, AvailableBytes(at::kCPU));
}

// A GPU's limit covers the context, which is part of what the plan counts and already taken.
int64_t DeviceBudget(at::Device device, const MemoryLimits& limits) {
  return Within(limits.device, device.is_cuda() ? TotalBytes(device) : HostBudget(limits));
}

PlannedRun RunOfJob(const ModelInfo& model, const Job& job, at::Device device, at::ScalarType dtype,
                    const MemoryLimits& limits) {
  PlannedRun run;
  run.dit = model.dit;
  run.vae = VaeOf(model);
  if (job.request.text_embeds.empty()) run.text = model.text;
  run.attention = job.attention.pattern;
  run.windows = job.attention.windows;
  run.video = job.geometry;
  run.element_bytes = static_cast<int64_t>(c10::elementSize(dtype));
  run.on_gpu = device.is_cuda();
  run.two_branches = job.sampling.guidance != 1;
  run.from_image = !job.request.image.empty();
  run.device_budget = DeviceBudget(device, limits);
  return run;
}

// Whether the run has this stage on `device`: latents as output are not decoded, and a text encoder
// that does not fit a GPU runs on the CPU (pipeline/text_stage.cc).
bool RunsOnDevice(const MemoryStage& stage, const Job& job, at::Device device) {
  if (stage.name == "decoder") return !IsTensorFile(job.request.output);
  return stage.name != "text encoder" || !device.is_cuda();
}

void CheckStage(const MemoryStage& stage, int64_t available, const char* where, const char* flag,
                const VideoGeometry& video) {
  if (stage.total() <= available) return;
  Fail(
      "{}x{}, {} frames: the stage \"{}\" needs about {} ({} of weights) on the {}, which has {} "
      "for it; a smaller --size or fewer --frames need less, {} sets what may be used, and `t3 "
      "plan` shows every stage",
      video.width, video.height, video.frames, stage.name, FormatBytes(stage.total()),
      FormatBytes(stage.weights), where, FormatBytes(available), flag);
}

}  // namespace

void CheckMemory(const ModelInfo& model, const Job& job, at::Device device, at::ScalarType dtype,
                 const MemoryLimits& limits) {
  const MemoryPlan plan = PlanMemory(RunOfJob(model, job, device, dtype, limits));
  const int64_t available = DeviceBudget(device, limits);
  for (const MemoryStage& stage : plan.device) {
    if (RunsOnDevice(stage, job, device)) {
      CheckStage(stage, available, device.is_cuda() ? "GPU" : "CPU", "--memory-limit",
                 job.geometry);
    }
  }
  if (device.is_cuda()) {
    CheckStage(plan.host, HostBudget(limits), "host", "--host-memory-limit", job.geometry);
  }
}

bool DenoiserFitsBesideDecoder(const ModelInfo& model, const Job& job, at::Device device,
                               at::ScalarType dtype, const MemoryLimits& limits) {
  const MemoryPlan plan = PlanMemory(RunOfJob(model, job, device, dtype, limits));
  int64_t together = 0;
  for (const MemoryStage& stage : plan.device) {
    if (stage.name == "denoiser") together += stage.weights;
    if (stage.name == "decoder") together += stage.total();
  }
  return together <= DeviceBudget(device, limits);
}

}  // namespace t3
