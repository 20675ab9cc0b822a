// t3 plan: windows, work and memory of a size, for a preset or a model's files.
#include "arch/decoder.h"
#include "base/check.h"
#include "loading/model_info.h"
#include "pipeline/calibration.h"
#include "pipeline/job.h"
#include "pipeline/job_notes.h"
#include "pipeline/memory_check.h"
#include "pipeline/refinement.h"
#include "pipeline/run_settings.h"
#include "pipeline/time_outlook.h"
#include "plan/cost.h"
#include "plan/window_layout.h"
#include "plan/windows.h"
#include "runtime/device.h"
#include "t3video/plan.h"

namespace t3 {
namespace {

// A model of random weights would be opened with these sizes.
ModelInfo InfoOf(const ModelPreset& preset) {
  ModelInfo model;
  model.paths.dit = preset.name;
  model.dit = preset.dit;
  model.text = preset.text;
  model.vae = preset.vae;
  model.attention = {preset.attention, true, ""};
  model.defaults = preset.defaults;
  return model;
}

ModelInfo ModelToPlan(const PlanRequest& request) {
  if (!request.preset.empty()) return InfoOf(FindPreset(request.preset));
  if (request.files.model.empty() && request.files.dit.empty()) {
    FailUsage("no model was given; use `preset` NAME, `model` DIR or `dit` FILE");
  }
  ModelInfo model = OpenModel(request.files, FolderLoras::kApplied);
  RequireDit(model);
  return model;
}

// The device that is planned for. A preset is planned for a GPU, here or elsewhere.
struct PlannedMachine {
  std::optional<at::Device> device;  // nullopt: a GPU that is not here
  at::ScalarType dtype = at::kBFloat16;
  MemoryBudget budget;
};

PlannedMachine MachineToPlan(const PlanRequest& request) {
  PlannedMachine machine;
  CheckGpus(request.gpus);
  const bool any_gpu = !request.preset.empty() && request.device == "auto";
  if (any_gpu) {
    // Without a GPU here, one that has what the dtype needs.
    const bool fp8 = request.dtype == ComputeDtype::kFp8;
    machine.dtype = fp8                                    ? at::kFloat8_e4m3fn
                    : request.dtype == ComputeDtype::kFp32 ? at::kFloat
                                                           : at::kBFloat16;
    machine.budget = {true, request.memory_limit, request.host_memory_limit, request.gpus};
    const at::Device device = ResolveDevice("auto");
    if (device.is_cuda()) machine.device = device;
    return machine;
  }
  machine.device = ResolveDevice(request.device);
  machine.dtype = ResolveDtype(request.dtype, *machine.device);
  const MemoryLimits limits{request.memory_limit, request.host_memory_limit};
  machine.budget = request.preset.empty()
                       ? BudgetOf(*machine.device, limits)
                       : MemoryBudget{machine.device->is_cuda(), limits.device, limits.host};
  machine.budget.ranks = request.gpus;
  return machine;
}

std::optional<TimeOutlook> TimeToPlan(const PlanRequest& request, const ModelInfo& model,
                                      const Job& job, const PlannedMachine& machine,
                                      const RunMemory& memory, const ProgressFn& progress,
                                      const CancelToken* cancel) {
  if (request.calibrate && !request.preset.empty())
    FailUsage("`calibrate` runs the model: give its files with `model` DIR, not `preset`");
  if (!machine.device) return std::nullopt;
  if (!request.calibrate)
    return FindTime(model, job, *machine.device, machine.dtype, memory.stream_weights,
                    /*tunes=*/true, memory.split);
  const CalibrationKey key = CalibrationKeyOf(model, job, *machine.device, machine.dtype);
  const RunContext context{progress, cancel, *machine.device};
  return SharedTime(ExpectTime(Calibrate(model, key, context), model, job, machine.dtype,
                               memory.stream_weights, /*tunes=*/true),
                    model, job, machine.dtype, *machine.device, memory.split);
}

// All stages: a plan has no output that would leave some out.
RunMemory MemoryToPlan(const ModelInfo& model, const Job& job, const PlannedMachine& machine) {
  const RankSplit split = PlanRunMemory(model, job, machine.dtype, machine.budget).split;
  return {PlanMemory(MemoryInputs(model, job, machine.dtype, machine.budget, split)),
          machine.budget, split};
}

// Each split of the ranks, for comparison.
RankOutlook RanksToPlan(const ModelInfo& model, const Job& job, const PlannedMachine& machine) {
  RankOutlook outlook;
  outlook.ranks = machine.budget.ranks;
  if (outlook.ranks == 1) return outlook;
  const int64_t token_bytes = model.dit.dim * static_cast<int64_t>(c10::elementSize(machine.dtype));
  for (const RankSplit& split :
       RankSplits(outlook.ranks, model.dit.num_heads, job.sampling.guidance != 1)) {
    const MemoryPlan memory =
        PlanMemory(MemoryInputs(model, job, machine.dtype, machine.budget, split));
    RankOutlook::Split entry;
    entry.name = DescribeSplit(split);
    for (const StageMemory& stage : memory.device) {
      if (stage.kind == StageKind::kDenoiser) entry.denoiser_bytes = stage.total();
    }
    entry.fits = machine.budget.device == 0 || entry.denoiser_bytes <= machine.budget.device;
    entry.exchanged_bytes =
        ExchangedBytes(split, model.dit.num_layers, job.segment.grid.tokens(), token_bytes);
    if (machine.device) {
      if (const auto time = FindTime(model, job, *machine.device, machine.dtype,
                                     memory.stream_weights, /*tunes=*/true, split))
        entry.step = time->step;
    }
    outlook.splits.push_back(std::move(entry));
  }
  return outlook;
}

Job JobToPlan(const ModelInfo& model, const PlanRequest& request) {
  Request job;
  job.params = request.params;
  // Unlike a run, a plan costs nothing: a guess at the attention is good enough.
  if (!job.params.attention) job.params.attention = model.attention.pattern;
  const bool drafts = job.params.draft && job.params.draft->size;
  if (!job.params.strength || drafts) return PlanJob(model, job);
  // The strength of a source video: any, of the size and frames that are planned.
  const GenerationDefaults& defaults = model.defaults;
  const VideoSize size = job.params.size.value_or(VideoSize{defaults.width, defaults.height});
  SourceInfo source;
  source.width = size.width;
  source.height = size.height;
  source.fps = defaults.fps;
  source.frames = job.params.frames.value_or(defaults.frames);
  job.video = "the source video";
  return PlanJob(model, job, {nullptr, &source});
}

// Adds the draft's memory and time to those of the video.
void PlanDraft(const ModelInfo& model, const Job& draft, const PlannedMachine& machine,
               PlanResult& result) {
  const RunMemory memory = MemoryToPlan(model, draft, machine);
  AddDraft(ToOutlook(memory), result.memory);
  result.draft = ToDraftPlan(model, draft);
  if (!result.time) return;
  AddDraft(FindTime(model, draft, *machine.device, machine.dtype, memory.stream_weights,
                    /*tunes=*/true, memory.split),
           result.time);
}

// With the windows of T3 where the attention is full, so that both can be compared.
Job WithWindows(const ModelInfo& model, Job job) {
  if (job.attention.pattern == AttentionPattern::kFull)
    job.attention = ChooseAttention(model, AttentionPattern::kT3, {}, job.segment.grid);
  return job;
}

DitCost CostOfJob(const ModelInfo& model, const Job& job) {
  const JobAttention& attention = job.attention;
  return CostOfForward(model.dit, attention.pattern, attention.windows, job.segment.grid);
}

Work WorkOf(const ModelInfo& model, const Job& job, const Job& windowed_job) {
  const DitCost forward = CostOfJob(model, job), windowed = CostOfJob(model, windowed_job);
  return {forward.attention,
          windowed.attention,
          windowed.attention_uncombined,
          forward.full_attention,
          forward.linears,
          forward.cross_attention,
          forward.total(),
          CostOfDecode(DecoderOf(model), job.geometry.latent)};
}

}  // namespace

PlanResult Plan(const PlanRequest& request, const ProgressFn& progress, const CancelToken* cancel) {
  const ModelInfo model = ModelToPlan(request);
  const Job job = JobToPlan(model, request);
  const Job windowed_job = WithWindows(model, job);
  const PlannedMachine machine = MachineToPlan(request);
  std::vector<WindowLayout> layouts =
      WindowLayouts(windowed_job.attention.windows, job.segment.grid, model.dit.num_layers);
  const ModelInfo& denoiser = DenoisedBy(model, job);
  const RunMemory memory = MemoryToPlan(denoiser, job, machine);

  PlanResult result;
  result.model = model.paths.dit;
  result.decoder = DecoderName(DecoderOf(model));
  result.video = ToVideoPlan(model, job);
  result.attention = {job.attention.pattern, model.attention.pattern, model.attention.known,
                      windowed_job.attention.windows, windowed_job.attention.windows_source};
  result.planner_version = kPlannerVersion;
  result.layouts = std::move(layouts);
  result.work = WorkOf(model, job, windowed_job);
  result.device = machine.device ? machine.device->str() : "GPU";
  result.device_name = machine.device ? DeviceName(*machine.device) : "";
  result.dtype = ToComputeDtype(machine.dtype);
  result.memory = ToOutlook(memory);
  result.segments = std::ssize(job.segments);
  if (job.refines()) result.strength = job.sampling.strength;
  result.steps = job.steps();
  result.schedule_steps = job.sampling.steps;
  result.guidance = job.sampling.guidance;
  result.time = TimeToPlan(request, denoiser, job, machine, memory, progress, cancel);
  result.ranks = RanksToPlan(denoiser, job, machine);
  std::optional<Job> draft;
  if (job.draft_size) draft = PlanJob(model, DraftRequest(job));
  if (draft) PlanDraft(model, *draft, machine, result);
  result.notes = JobNotes(model, job, {&model, draft ? &*draft : nullptr});
  return result;
}

}  // namespace t3
