// The memory plan of a run against what the machine has.
#include "pipeline/memory_check.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "pipeline/decode.h"
#include "pipeline/device.h"
#include "pipeline/precision.h"
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

int64_t ElementBytes(at::ScalarType dtype) { return static_cast<int64_t>(c10::elementSize(dtype)); }

PlannedRun RunOfJob(const ModelInfo& model, const Job& job, at::Device device, at::ScalarType dtype,
                    const MemoryLimits& limits) {
  PlannedRun run;
  run.dit = model.dit;
  run.vae = VaeOf(model);
  if (job.request.text_embeds.empty()) run.text = model.text;
  run.attention = job.attention.pattern;
  run.windows = job.attention.windows;
  run.video = job.geometry;
  run.on_gpu = device.is_cuda();
  run.element_bytes = ElementBytes(ArithmeticDtype(dtype, run.on_gpu));
  const Precision dit = DitPrecision(model, dtype, run.on_gpu);
  if (dit.converts()) run.dit_stored_bytes = ElementBytes(dit.stored);
  if (run.text) {
    const Precision text = TextEncoderPrecision(model, dtype, run.on_gpu);
    if (text.converts()) run.text_stored_bytes = ElementBytes(text.stored);
  }
  run.two_branches = job.sampling.guidance != 1;
  run.from_image = !job.request.image.empty();
  run.device_budget = DeviceBudget(device, limits);
  return run;
}

// Whether the run has this stage on `device`: latents as output are not decoded, and a text encoder
// that does not fit a GPU runs on the CPU (pipeline/text_stage.cc).
bool RunsOnDevice(const MemoryStage& stage, const Job& job, at::Device device) {
  if (stage.kind == StageKind::kDecoder) return !IsTensorFile(job.request.output);
  return stage.kind != StageKind::kTextEncoder || !device.is_cuda();
}

// The first stage that does not fit; nullptr when all do.
const MemoryStage* TooLarge(const RunMemory& memory) {
  for (const MemoryStage& stage : memory.device) {
    if (stage.total() > memory.device_budget) return &stage;
  }
  return memory.on_gpu && memory.host.total() > memory.host_budget ? &memory.host : nullptr;
}

// Variations of a job until one fits.
class FitSearch {
 public:
  FitSearch(const ModelInfo& model, const Job& job, at::Device device, at::ScalarType dtype,
            const MemoryLimits& limits)
      : model_(model), job_(job), device_(device), dtype_(dtype), limits_(limits) {}

  std::vector<std::string> Flags() const {
    std::vector<std::string> flags;
    const auto add = [&](const std::string& flag) {
      if (!flag.empty()) flags.push_back(flag);
    };
    add(HalfPrecision());
    add(FewerFrames());
    add(SmallerSize());
    add(LatentsOnly());
    return flags;
  }

 private:
  bool Fits(const Job& job, at::ScalarType dtype) const {
    return TooLarge(PlanRunMemory(model_, job, device_, dtype, limits_)) == nullptr;
  }

  bool FitsAt(int64_t width, int64_t height, int64_t frames) const {
    Job job = job_;
    job.geometry = PlanVideo(width, height, frames, VaeOf(model_));
    return Fits(job, dtype_);
  }

  std::string HalfPrecision() const {
    return dtype_ == at::kFloat && Fits(job_, at::kBFloat16) ? "--dtype bf16" : "";
  }

  // The most frames that fit; memory grows with them.
  std::string FewerFrames() const {
    const VideoGeometry& video = job_.geometry;
    int64_t most = 0;  // in units of four frames beside the first
    for (int64_t low = 0, high = (video.frames - 1) / 4; low < high;) {
      const int64_t middle = (low + high) / 2;
      const bool fits = FitsAt(video.width, video.height, 4 * middle + 1);
      if (fits) most = middle;
      (fits ? low : high) = fits ? middle + 1 : middle;
    }
    return most > 0 ? fmt::format("--frames {}", 4 * most + 1) : "";
  }

  // The largest of sixteen sizes of the same aspect.
  std::string SmallerSize() const {
    const VideoGeometry& video = job_.geometry;
    const int64_t multiple = 2 * VaeOf(model_).spatial_stride();
    for (int64_t part = 15; part > 0; --part) {
      const int64_t width = video.width * part / 16 / multiple * multiple;
      const int64_t height = video.height * part / 16 / multiple * multiple;
      if (width > 0 && height > 0 && FitsAt(width, height, video.frames))
        return fmt::format("--size {}x{}", width, height);
    }
    return "";
  }

  std::string LatentsOnly() const {
    Job job = job_;
    job.request.output = "latents.safetensors";
    return !IsTensorFile(job_.request.output) && Fits(job, dtype_)
               ? "--output F.safetensors, and `t3 decode` where there is more memory"
               : "";
  }

  const ModelInfo& model_;
  const Job& job_;
  at::Device device_;
  at::ScalarType dtype_;
  const MemoryLimits& limits_;
};

}  // namespace

RunMemory PlanRunMemory(const ModelInfo& model, const Job& job, at::Device device,
                        at::ScalarType dtype, const MemoryLimits& limits) {
  RunMemory memory{PlanMemory(RunOfJob(model, job, device, dtype, limits)), device.is_cuda(),
                   DeviceBudget(device, limits), HostBudget(limits)};
  std::erase_if(memory.device,
                [&](const MemoryStage& stage) { return !RunsOnDevice(stage, job, device); });
  return memory;
}

RunMemory CheckMemory(const ModelInfo& model, const Job& job, at::Device device,
                      at::ScalarType dtype, const MemoryLimits& limits) {
  RunMemory memory = PlanRunMemory(model, job, device, dtype, limits);
  const MemoryStage* stage = TooLarge(memory);
  if (stage == nullptr) return memory;
  const bool host = stage == &memory.host;
  const std::vector<std::string> flags = FitSearch(model, job, device, dtype, limits).Flags();
  Fail(
      "{}x{}, {} frames: the stage \"{}\" needs about {} ({} of weights) on the {}, which has {} "
      "for it; {}; {} sets what may be used, and `t3 plan` shows every stage",
      job.geometry.width, job.geometry.height, job.geometry.frames, stage->name(),
      FormatBytes(stage->total()), FormatBytes(stage->weights),
      host            ? "host"
      : memory.on_gpu ? "GPU"
                      : "CPU",
      FormatBytes(host ? memory.host_budget : memory.device_budget),
      flags.empty() ? "no size of this model fits"
                    : fmt::format("this would fit: {}", fmt::join(flags, ", or ")),
      host ? "--host-memory-limit" : "--memory-limit");
}

Residents ChooseResidents(const RunMemory& memory) {
  MemoryStage denoiser;
  MemoryStage decoder;  // stays empty where latents are the output
  for (const MemoryStage& stage : memory.device) {
    if (stage.kind == StageKind::kDenoiser) denoiser = stage;
    if (stage.kind == StageKind::kDecoder) decoder = stage;
  }
  return {denoiser.weights + decoder.total() <= memory.device_budget,
          denoiser.total() + decoder.weights <= memory.device_budget};
}

}  // namespace t3
