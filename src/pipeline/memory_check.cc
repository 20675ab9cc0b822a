// Refusing what will not fit before anything is loaded.
#include "pipeline/memory_check.h"

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"
#include "loading/precision.h"
#include "pipeline/decode_target.h"
#include "pipeline/refinement.h"
#include "runtime/device.h"

namespace t3 {
namespace {

int64_t Within(int64_t limit, int64_t available) {
  return limit > 0 ? std::min(limit, available) : available;
}

int64_t ElementBytes(at::ScalarType dtype) { return static_cast<int64_t>(c10::elementSize(dtype)); }

// Whether the job has this stage on the device: latents as output are not decoded, and a text
// encoder that does not fit a GPU runs on the CPU (pipeline/text_stage.cc).
bool RunsOnDevice(const StageMemory& stage, const Job& job, bool on_gpu) {
  if (stage.kind == StageKind::kDecoder) return !IsTensorFile(job.request.output.path);
  return stage.kind != StageKind::kTextEncoder || !on_gpu;
}

bool Fits(const RunMemory& memory) { return !ToOutlook(memory).TooLarge(); }

// What is left to a stage. On the CPU the process takes its part of the same memory; where that is
// all, the smallest plan is made, and refused.
int64_t StageBudget(const MemoryBudget& budget, const PlannedRun& run) {
  if (budget.on_gpu || budget.host == 0) return budget.device;
  return Within(budget.device, std::max<int64_t>(1, budget.host - HostStage(run, {}).total()));
}

std::vector<RankSplit> SplitsOf(const ModelInfo& model, const Job& job, int64_t ranks) {
  const bool guided = job.sampling.guidance != 1;
  const int64_t heads = model.dit.num_heads;
  std::vector<RankSplit> splits = RankSplits(ranks, heads, guided);
  if (splits.empty()) {
    FailUsage(
        "`gpus` {}: the ranks that share a forward must divide the denoiser's {} heads{}; "
        "possible are {}",
        ranks, heads, guided ? ", or half of them each of guidance's branches" : "",
        fmt::join(RankCounts(2 * heads, heads, guided), ", "));
  }
  return splits;
}

// Variations of a job until one fits.
class FitSearch {
 public:
  FitSearch(const ModelInfo& model, const Job& job, at::ScalarType dtype,
            const MemoryBudget& budget)
      : model_(model), job_(job), dtype_(dtype), budget_(budget) {}

  std::vector<std::string> Options() const {
    std::vector<std::string> options;
    for (std::string option :
         {HalfPrecision(), OwnVae(), FewerFrames(), SmallerSize(), LatentsOnly()}) {
      if (!option.empty()) options.push_back(std::move(option));
    }
    return options;
  }

 private:
  bool Fits(const Job& job, at::ScalarType dtype) const {
    return t3::Fits(PlanRunMemory(model_, job, dtype, budget_));
  }

  bool FitsAt(int64_t width, int64_t height, int64_t frames) const {
    Job job = job_;
    const auto sized = [&](int64_t count) {
      return PlanVideo(width, height, count, VaeOf(model_));
    };
    job.segment = sized(std::min(frames, job_.segment.frames));
    job.geometry = sized(frames);
    return Fits(job, dtype_);
  }

  // Only where it is not slower than fp32 by orders of magnitude.
  std::string HalfPrecision() const {
    const bool native = budget_.on_gpu || CpuMultipliesBf16();
    return native && dtype_ == at::kFloat && Fits(job_, at::kBFloat16) ? "`dtype` bf16" : "";
  }

  // In slabs it takes less than a TAEHV for a few frames.
  std::string OwnVae() const {
    if (!model_.decoder || !model_.vae) return "";
    ModelInfo own = model_;
    own.decoder.reset();
    const bool fits = t3::Fits(PlanRunMemory(own, job_, dtype_, budget_));
    return fits ? "the model's own VAE, without `decoder`" : "";
  }

  // The largest number of frames that fits; memory grows with it.
  std::string FewerFrames() const {
    const VideoGeometry& video = job_.geometry;
    int64_t largest = 0;  // in units of four frames beyond the first
    for (int64_t low = 0, high = (video.frames - 1) / 4; low < high;) {
      const int64_t middle = (low + high) / 2;
      const bool fits = FitsAt(video.width, video.height, 4 * middle + 1);
      if (fits) largest = middle;
      (fits ? low : high) = fits ? middle + 1 : middle;
    }
    return largest > 0 ? fmt::format("`frames` {}", 4 * largest + 1) : "";
  }

  // The largest of sixteen sizes of the same aspect.
  std::string SmallerSize() const {
    const VideoGeometry& video = job_.geometry;
    const int64_t multiple = 2 * VaeOf(model_).spatial_stride();
    for (int64_t part = 15; part > 0; --part) {
      const int64_t width = video.width * part / 16 / multiple * multiple;
      const int64_t height = video.height * part / 16 / multiple * multiple;
      if (width > 0 && height > 0 && FitsAt(width, height, video.frames))
        return fmt::format("`size` {}x{}", width, height);
    }
    return "";
  }

  std::string LatentsOnly() const {
    Job job = job_;
    job.request.output.path = "latents.safetensors";
    return !IsTensorFile(job_.request.output.path) && Fits(job, dtype_)
               ? "`output` F.safetensors, and `t3 decode` where there is more memory"
               : "";
  }

  const ModelInfo& model_;
  const Job& job_;
  at::ScalarType dtype_;
  const MemoryBudget& budget_;
};

}  // namespace

MemoryBudget BudgetOf(at::Device device, const MemoryLimits& limits, int64_t kept_bytes) {
  MemoryBudget budget;
  budget.on_gpu = device.is_cuda();
  const int64_t kept = budget.on_gpu ? 0 : kept_bytes;
  budget.host = Within(limits.host, AvailableBytes(at::kCPU) + kept);
  // A GPU's limit covers the context, which is part of what the plan counts and already taken.
  budget.device = Within(limits.device, budget.on_gpu ? TotalBytes(device) : budget.host);
  return budget;
}

int64_t DeviceLimit(at::Device device, const MemoryLimits& limits) {
  if (device.is_cuda() || limits.host == 0) return limits.device;
  return Within(limits.device, std::max<int64_t>(1, limits.host - kHostProcess));
}

PlannedRun MemoryInputs(const ModelInfo& model, const Job& job, at::ScalarType dtype,
                        const MemoryBudget& budget, const RankSplit& split) {
  PlannedRun run;
  run.dit = model.dit;
  run.vae = VaeOf(model);
  run.decoder = DecoderOf(model);
  if (job.preview_decoder) run.preview = std::get<TaehvConfig>(job.preview_decoder->config);
  if (job.request.text_embeds.empty()) run.text = model.text;
  run.attention = job.attention.pattern;
  run.windows = job.attention.windows;
  run.video = job.geometry;
  if (job.segments.size() > 1) run.segment = job.segment;
  run.on_gpu = budget.on_gpu;
  run.element_bytes = ElementBytes(ArithmeticDtype(dtype, run.on_gpu));
  const Precision dit = DitPrecision(model, dtype, run.on_gpu);
  if (dit.converts()) run.dit_stored_bytes = ElementBytes(dit.stored);
  run.dit_fp8 = dit.fp8;
  run.dit_bf16 = ExcludedSteps(job, dtype) > 0;
  if (run.text) {
    const Precision text = TextEncoderPrecision(model, dtype, run.on_gpu);
    if (text.converts()) run.text_stored_bytes = ElementBytes(text.stored);
    run.text_fp8 = text.fp8;
  }
  run.two_branches = job.sampling.guidance != 1;
  run.encoded_frames = EncodedFrames(job);
  if (job.refines() && job.sampling.strength < 1)
    run.encoder_bytes = ElementBytes(ClipEncoderDtype(dtype, run.on_gpu));
  run.device_budget = StageBudget(budget, run);
  run.split = split;
  return run;
}

RunMemory PlanRunMemory(const ModelInfo& model, const Job& job, at::ScalarType dtype,
                        const MemoryBudget& budget, int64_t videos) {
  RunMemory memory;
  for (const RankSplit& split : SplitsOf(model, job, budget.ranks)) {
    PlannedRun run = MemoryInputs(model, job, dtype, budget, split);
    run.videos = videos;
    memory = {PlanMemory(run), budget, split};
    std::erase_if(memory.device, [&](const StageMemory& stage) {
      return !RunsOnDevice(stage, job, budget.on_gpu);
    });
    if (!budget.on_gpu) memory.host = HostStage(run, memory.widest());
    if (Fits(memory)) break;
  }
  return memory;
}

MemoryOutlook ToOutlook(const RunMemory& memory) {
  MemoryOutlook outlook;
  outlook.on_gpu = memory.budget.on_gpu;
  outlook.stages = memory.device;
  outlook.host = memory.host;
  outlook.device_budget = memory.budget.device;
  outlook.host_budget = memory.budget.host;
  return outlook;
}

void AddDraft(const MemoryOutlook& draft, MemoryOutlook& memory) {
  const std::map<StageKind, StageKind> kinds{
      {StageKind::kImageEncoder, StageKind::kDraftImageEncoder},
      {StageKind::kDenoiser, StageKind::kDraftDenoiser},
      {StageKind::kDecoder, StageKind::kDraftDecoder}};
  auto video = std::ranges::find_if(memory.stages, [](const StageMemory& stage) {
    return stage.kind != StageKind::kTextEncoder;
  });
  for (StageMemory stage : draft.stages) {
    const auto kind = kinds.find(stage.kind);
    if (kind == kinds.end()) continue;
    stage.kind = kind->second;
    video = std::next(memory.stages.insert(video, std::move(stage)));
  }
  if (draft.host.total() > memory.host.total()) memory.host = draft.host;
}

std::optional<Error> CheckMemory(const ModelInfo& model, const Job& job, at::ScalarType dtype,
                                 const RunMemory& memory) {
  const std::optional<StageMemory> stage = ToOutlook(memory).TooLarge();
  if (!stage) return std::nullopt;
  const MemoryBudget& budget = memory.budget;
  const bool host = stage->kind == StageKind::kHost;
  const bool by_host = host || (!budget.on_gpu && budget.device == budget.host);
  const std::vector<std::string> options = FitSearch(model, job, dtype, budget).Options();
  return Error(fmt::format(
      "{}x{}, {}: the {} needs about {} ({} of it weights), but the {} has {} available; "
      "{}; `{}` sets what may be used, and `t3 plan` shows every stage",
      job.geometry.width, job.geometry.height, Counted(job.geometry.frames, "frame"),
      host ? "process" : stage->name(), FormatBytes(stage->total()), FormatBytes(stage->weights),
      host            ? "host"
      : budget.on_gpu ? "GPU"
                      : "CPU",
      FormatBytes(host ? budget.host : budget.device),
      options.empty() ? "no size of this model fits"
                      : fmt::format("this would fit: {}", fmt::join(options, ", or ")),
      by_host ? "host-memory-limit" : "memory-limit"));
}

Residents ChooseResidents(const RunMemory& memory) {
  StageMemory denoiser;
  StageMemory decoder;  // stays empty where latents are the output
  StageMemory encoder;  // likewise where nothing is encoded
  for (const StageMemory& stage : memory.device) {
    if (stage.kind == StageKind::kDenoiser) denoiser = stage;
    if (stage.kind == StageKind::kDecoder) decoder = stage;
    if (stage.kind == StageKind::kVideoEncoder) encoder = stage;
  }
  const int64_t budget = memory.budget.device;
  return {denoiser.weights + decoder.total() <= budget,
          denoiser.total() + decoder.weights <= budget,
          denoiser.weights + decoder.weights + encoder.total() <= budget};
}

}  // namespace t3
