// Planning a run.
#include "pipeline/run_plan.h"

#include <filesystem>

#include "arch/decoder.h"
#include "base/atomic_file.h"
#include "base/blank.h"
#include "base/check.h"
#include "loading/load_models.h"
#include "loading/sampling_json.h"
#include "pipeline/choose_refinement.h"
#include "pipeline/choose_sampling.h"
#include "pipeline/existing_files.h"
#include "pipeline/job_notes.h"
#include "pipeline/preview/preview_painter.h"
#include "pipeline/read_inputs.h"
#include "pipeline/refinement.h"
#include "pipeline/run_files.h"
#include "pipeline/state/record.h"
#include "pipeline/state/settings.h"
#include "pipeline/time_outlook.h"
#include "runtime/device.h"
#include "t3video/run.h"

namespace t3 {
namespace {

// The decoder's file and what it is; "" where nothing is decoded.
std::string DecodedBy(const ModelInfo& model, const Request& request) {
  if (IsTensorFile(request.output.path)) return "";
  return fmt::format("{}, {}", std::filesystem::path(DecoderPath(model)).filename().string(),
                     DecoderName(DecoderOf(model)));
}

// The draft's sampling where repeating the decided run without it would choose another one, as for
// stages with LoRAs of their own; else "".
std::string SamplingToRecord(const ModelInfo& model, const Job& job, const SamplingConfig& draft) {
  Job repeated = job;
  repeated.request = DecidedRequest(job);
  repeated.request.params.draft_sampling.clear();
  try {
    const GenerationParams params = DraftRequest(repeated).params;
    if (AreEqualFromNoise(ChooseSampling(model.defaults.sampling, params), draft)) return "";
  } catch (const Error&) {  // the video's sampler cannot take the draft's steps
  }
  SamplingConfig recorded = draft;
  if (!recorded.uses_shift()) recorded.shift = model.defaults.sampling.shift;
  return SamplingJson(recorded).dump();
}

// Targets with equal keys can be written if one of them can.
std::string TargetKey(const DecodeTarget& target) {
  const OutputOptions& output = target.output;
  const std::filesystem::path path(output.path);
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}x{}|{}|{}", path.parent_path().string(),
                     path.extension().string(), output.path.ends_with('/'),
                     static_cast<bool>(output.sink), output.file.codec,
                     output.file.crf.value_or(-1), output.file.pixel_format, target.geometry.width,
                     target.geometry.height, target.fps, target.audio_from);
}

}  // namespace

Planner::Planner(const ModelInfo& model, const RunSettings& settings)
    : model_(model), settings_(settings) {}

const nlohmann::ordered_json& Planner::weights() {
  if (weights_.is_null()) weights_ = WeightDigests(model_);
  return weights_;
}

RunIdentity Planner::Identify(const PlannedJob& planned) {
  const Job& job = planned.job;
  RunOptions options = settings_.options;
  options.device = settings_.device.str();
  options.dtype = ToComputeDtype(settings_.dtype);
  RunIdentity identity;
  identity.output = job.request.output.path;
  identity.settings = SettingsJson(settings_.files, options, DecidedRequest(job));
  identity.inputs = RunInputs(model_, job, settings_, weights());
  identity.device = options.device;
  identity.steps = DraftSteps(planned) + job.steps();
  identity.metadata = planned.target.metadata;
  return identity;
}

void Planner::PlanDraft(PlannedJob& planned) {
  const Job& job = planned.job;
  if (!job.draft_size) return;
  PlannedDraft draft;
  const std::string& file = job.request.draft_dit;
  if (!file.empty()) {
    std::shared_ptr<const ModelInfo>& model = draft_models_[file];
    if (!model) {
      ModelFiles files = settings_.files;
      files.dit = file;
      model = std::make_shared<const ModelInfo>(OpenModel(files, FolderLoras::kApplied));
      T3_CHECK(model->dit.latent_channels == model_.dit.latent_channels,
               "`draft-dit` {} has {} latent channels, but the denoiser {} has {}; both must use "
               "the same VAE",
               file, model->dit.latent_channels, model_.paths.dit, model_.dit.latent_channels);
      CheckDit(*model);
    }
    draft.model = model;
  }
  const ModelInfo& model = draft.model ? *draft.model : model_;
  planned.job.draft_steps = ChooseDraftSteps(model, job.request);
  draft.job =
      PlanJob(model, DraftRequest(job), {planned.image ? &*planned.image : nullptr, nullptr});
  planned.job.draft_sampling = SamplingToRecord(model, job, draft.job.sampling);
  draft.image = ScaledImage(planned.image, draft.job.geometry);
  draft.metadata = JobMetadata(model, draft.job, settings_.DtypeName());
  planned.draft = std::move(draft);
}

void Planner::CheckParts(const Job& job) const {
  const Request& request = job.request;
  CheckDit(model_);
  if (request.text_embeds.empty()) CheckTextEncoder(model_);
  if (!IsTensorFile(request.output.path) || job.draft_size) CheckDecoder(model_);
  const bool fits_map = !request.preview.path.empty() && !job.preview_decoder;
  if (EncodedFrames(job) > 0 || fits_map) CheckVae(model_);
}

// That every file can be written where it is to be.
void Planner::CheckPlaces(const PlannedJob& planned, RunPlan& plan) {
  const Request& request = planned.job.request;
  // Opening an encoder takes longer than the rest of a plan. In a job all outputs are alike.
  const std::string key = TargetKey(planned.target);
  if (!checked_targets_.contains(key)) checked_targets_[key] = CheckDecodeTarget(planned.target);
  for (const std::string& note : checked_targets_.at(key)) plan.notes.push_back(note);
  for (const std::string& path :
       {request.output.save_latents, request.record.path, request.preview.path}) {
    if (!path.empty()) const AtomicFile writable(path);
  }
  if (!request.output.keep_draft.empty() && planned.draft)
    CheckVideoTarget(request.output.keep_draft,
                     SettingsOf(DraftTarget(planned, request.output.keep_draft)));
}

void Planner::ReadInputs(PlannedJob& planned) const {
  const Job& job = planned.job;
  const Request& request = job.request;
  planned.image = ScaledImage(planned.image, job.geometry);
  if (!request.noise.empty())
    planned.noise = ReadNoise(request.noise, LatentShape(model_, job), job.geometry);
  if (planned.found) {
    planned.embeds = planned.found->progress.embeds;
  } else if (!request.text_embeds.empty()) {
    planned.embeds = LoadPromptEmbeds(request.text_embeds, model_.dit.text_dim, model_.dit.text_len,
                                      NeedsNegative(planned));
  } else if (planned.identity.steps > 0 && IsBlank(request.prompt)) {
    FailUsage("`prompt` is empty; say what the video shows");
  }
}

void Planner::PlanMemoryAndTime(PlannedJob& planned, RunPlan& plan) const {
  MemoryBudget budget = BudgetOf(settings_.device, settings_.limits, settings_.kept_bytes);
  budget.ranks = RanksOf(settings_.options);
  const auto time_of = [&](const ModelInfo& model, const Job& job, const RunMemory& memory) {
    return FindTime(model, job, settings_.device, settings_.dtype, memory.stream_weights,
                    !settings_.options.deterministic, memory.split);
  };
  const ModelInfo& denoiser = DenoisedBy(model_, planned.job);
  planned.memory = PlanRunMemory(denoiser, planned.job, settings_.dtype, budget);
  plan.memory = ToOutlook(planned.memory);
  plan.ranks = budget.ranks;
  plan.split = DescribeSplit(planned.memory.split);
  plan.refusal = CheckMemory(denoiser, planned.job, settings_.dtype, planned.memory);
  plan.time = time_of(denoiser, planned.job, planned.memory);
  if (!planned.draft) return;
  PlannedDraft& draft = *planned.draft;
  const ModelInfo& model = draft.model ? *draft.model : model_;
  draft.memory = PlanRunMemory(model, draft.job, settings_.dtype, budget);
  AddDraft(ToOutlook(draft.memory), plan.memory);
  if (!plan.refusal) plan.refusal = CheckMemory(model, draft.job, settings_.dtype, draft.memory);
  AddDraft(time_of(model, draft.job, draft.memory), plan.time);
}

RunPlan Planner::Describe(const PlannedJob& planned) const {
  const Job& job = planned.job;
  const ModelInfo& denoiser = DenoisedBy(model_, job);
  RunPlan plan;
  plan.request = DecidedRequest(job);
  plan.model = model_.paths.dit;
  plan.decoder = DecodedBy(model_, job.request);
  plan.loras = denoiser.loras;
  plan.lora_strengths = denoiser.lora_strengths;
  plan.device = settings_.device.str();
  plan.device_name = DeviceName(settings_.device);
  plan.dtype = ToComputeDtype(settings_.dtype);
  plan.video = ToVideoPlan(model_, job);
  plan.attention = ToAttentionPlan(model_, job.attention);
  plan.steps = job.steps();
  plan.segments = std::ssize(job.segments);
  NotedDraft draft;
  if (planned.draft) {
    draft = {planned.draft->model ? planned.draft->model.get() : &model_, &planned.draft->job};
    plan.draft = ToDraftPlan(*draft.model, *draft.job);
  }
  plan.notes = JobNotes(model_, job, draft);
  return plan;
}

RunPlan Planner::Plan(const Request& request) {
  RequireDit(model_);
  FileClaims files;
  ClaimModelFiles(model_, files);
  ClaimRunFiles(request, files);
  auto planned = std::make_shared<PlannedJob>();
  planned->image = ReadInputImage(request.image);
  planned->source = ReadSourceInfo(request);
  planned->job = PlanJob(
      model_, request,
      {planned->image ? &*planned->image : nullptr, planned->source ? &*planned->source : nullptr});
  planned->job.preview_decoder = FindPreviewDecoder(model_, request.preview);
  const Job& job = planned->job;
  PlanDraft(*planned);
  planned->target = {request.output, job.geometry, job.fps,
                     JobMetadata(DenoisedBy(model_, job), job, settings_.DtypeName())};
  if (planned->source && planned->source->has_audio) planned->target.audio_from = request.video;
  planned->identity = Identify(*planned);
  RunPlan plan = Describe(*planned);
  plan.job = planned;
  if (request.record.skip_finished && IsFinished(request.record.path, planned->identity)) {
    plan.finished = true;
    return plan;
  }
  if (!request.record.compare_with.empty()) {
    for (std::string& note : CompareWithRecord(request.record.compare_with, planned->identity))
      plan.notes.push_back(std::move(note));
  }
  CheckParts(job);
  FindEarlierRun(*planned, plan);
  CheckPlaces(*planned, plan);
  ReadInputs(*planned);
  PlanMemoryAndTime(*planned, plan);
  return plan;
}

// The state of an earlier run, and whether its files may be replaced.
void Planner::FindEarlierRun(PlannedJob& planned, RunPlan& plan) const {
  const Request& request = planned.job.request;
  if (KeepsState(request)) {
    planned.found = FindRun(planned.identity, request.checkpoint.resume_from,
                            request.checkpoint.existing_state);
  }
  const auto& found = planned.found;
  // Final latents are removed after the outputs are written: a run that was killed in between has
  // written them itself.
  const bool wrote_outputs = found && found->progress.sampler.step == planned.identity.steps;
  CheckReplaceable(request, planned.identity, wrote_outputs);
  if (planned.draft && !found) {
    OutputOptions draft;
    draft.path = request.output.keep_draft;
    draft.overwrite = request.output.overwrite;
    CheckReplaceable(draft, planned.draft->metadata);
  }
  if (!found) return;
  plan.resumed_from = found->progress.sampler.step;
  for (const std::string& note : found->notes) plan.notes.push_back(note);
}

}  // namespace t3
