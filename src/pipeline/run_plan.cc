// Planning a run.
#include "pipeline/run_plan.h"

#include <filesystem>

#include "base/atomic_file.h"
#include "base/check.h"
#include "loading/load_models.h"
#include "loading/tensor_file.h"
#include "pipeline/calibration.h"
#include "pipeline/existing_files.h"
#include "pipeline/run_files.h"
#include "pipeline/shipped_model.h"
#include "pipeline/state/record.h"
#include "pipeline/state/settings.h"
#include "pipeline/time_outlook.h"
#include "runtime/device.h"
#include "t3video/run.h"

namespace t3 {
namespace {

std::optional<Image> ReadInputImage(const ImageInput& input) {
  if (input.empty()) return std::nullopt;
  if (!input.path.empty()) return ReadImage(input.path);
  const auto bytes = static_cast<int64_t>(input.rgb.size());
  if (input.width < 1 || input.height < 1 || input.height > bytes / input.width / 3 ||
      bytes != input.width * input.height * 3) {
    FailUsage("`image`: {} bytes of pixels were given for {}x{}; wanted 3 per pixel", bytes,
              input.width, input.height);
  }
  return Image{input.width, input.height, input.rgb};
}

at::Tensor ReadNoise(const std::string& path, const std::vector<int64_t>& shape,
                     const VideoGeometry& video) {
  const at::Tensor noise = ReadLatents(*WeightFile::Open(path), "noise");
  T3_CHECK(noise.sizes() == at::IntArrayRef(shape),
           "{}: tensor noise has shape ({}), wanted ({}) for {}x{}, {} frames", path,
           fmt::join(noise.sizes(), ","), fmt::join(shape, ","), video.padded_width,
           video.padded_height, video.frames);
  return noise;
}

AttentionPlan ToPlan(const ModelInfo& model, const JobAttention& attention) {
  const bool full = attention.pattern == AttentionPattern::kFull;
  return {attention.pattern, model.attention.pattern, model.attention.known,
          full ? WindowCycle{} : attention.windows, attention.windows_source};
}

// Targets with equal keys can be written if one of them can.
std::string TargetKey(const DecodeTarget& target) {
  const OutputOptions& output = target.output;
  const std::filesystem::path path(output.path);
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}x{}|{}", path.parent_path().string(),
                     path.extension().string(), output.path.ends_with('/'),
                     static_cast<bool>(output.sink), output.file.codec,
                     output.file.crf.value_or(-1), output.file.pixel_format, target.geometry.width,
                     target.geometry.height, target.fps);
}

}  // namespace

bool KeepsState(const Request& request) { return !request.output.path.empty(); }

std::vector<int64_t> LatentShape(const ModelInfo& model, const Job& job) {
  const Grid& latent = job.geometry.latent;
  return {model.dit.latent_channels, latent.t, latent.h, latent.w};
}

Planner::Planner(const ModelInfo& model, const RunSettings& settings)
    : model_(model), settings_(settings) {}

const nlohmann::ordered_json& Planner::weights() {
  if (weights_.is_null()) weights_ = WeightDigests(model_);
  return weights_;
}

RunIdentity Planner::Identify(const Job& job, const Metadata& metadata) {
  RunOptions options = settings_.options;
  options.device = settings_.device.str();
  options.dtype = ToComputeDtype(settings_.dtype);
  RunIdentity identity;
  identity.output = job.request.output.path;
  identity.settings = SettingsJson(settings_.files, options, DecidedRequest(job));
  identity.inputs = RunInputs(model_, job, settings_, weights());
  identity.device = options.device;
  identity.steps = job.sampling.steps;
  identity.metadata = metadata;
  return identity;
}

void Planner::CheckParts(const Request& request) const {
  CheckDit(model_);
  if (request.text_embeds.empty()) CheckTextEncoder(model_);
  if (!IsTensorFile(request.output.path) || !request.image.empty() || !request.preview.path.empty())
    CheckVae(model_);
}

// That every file can be written where it is to be.
void Planner::CheckPlaces(const PlannedJob& planned) {
  const Request& request = planned.job.request;
  // Opening an encoder takes longer than the rest of a plan. In a job all outputs are alike.
  std::string key = TargetKey(planned.target);
  if (!checked_targets_.contains(key)) {
    CheckDecodeTarget(planned.target);
    checked_targets_.insert(std::move(key));
  }
  for (const std::string& path :
       {request.output.save_latents, request.record.path, request.preview.path}) {
    if (!path.empty()) const AtomicFile writable(path);
  }
}

void Planner::ReadInputs(PlannedJob& planned) const {
  const Job& job = planned.job;
  const Request& request = job.request;
  if (planned.image) {
    planned.image =
        ResizeCover(*planned.image, job.geometry.padded_width, job.geometry.padded_height);
  }
  if (!request.noise.empty())
    planned.noise = ReadNoise(request.noise, LatentShape(model_, job), job.geometry);
  if (planned.found) {
    planned.embeds = planned.found->progress.embeds;
  } else if (!request.text_embeds.empty()) {
    planned.embeds = LoadPromptEmbeds(request.text_embeds, model_.dit.text_dim, model_.dit.text_len,
                                      job.sampling.guidance != 1);
  }
}

RunPlan Planner::Plan(const Request& request) {
  RequireDit(model_);
  FileClaims files;
  ClaimModelFiles(model_, files);
  ClaimRunFiles(request, files);
  auto planned = std::make_shared<PlannedJob>();
  planned->image = ReadInputImage(request.image);
  planned->job = PlanJob(model_, request, planned->image ? &*planned->image : nullptr);
  const Job& job = planned->job;
  planned->target = {request.output, job.geometry, job.fps,
                     JobMetadata(model_, job, settings_.DtypeName())};
  planned->identity = Identify(job, planned->target.metadata);

  RunPlan plan;
  plan.request = DecidedRequest(job);
  plan.model = model_.paths.dit;
  plan.loras = model_.loras;
  plan.lora_strengths = model_.lora_strengths;
  plan.device = settings_.device.str();
  plan.device_name = DeviceName(settings_.device);
  plan.dtype = ToComputeDtype(settings_.dtype);
  plan.video = ToVideoPlan(model_, job);
  plan.attention = ToPlan(model_, job.attention);
  plan.notes = job.notes;
  for (std::string& note : LoraNotes(model_, job.attention.pattern))
    plan.notes.push_back(std::move(note));
  for (std::string& note : ShippedModelNotes(model_, job)) plan.notes.push_back(std::move(note));
  plan.job = planned;
  if (request.record.skip_finished && IsFinished(request.record.path, planned->identity)) {
    plan.finished = true;
    return plan;
  }
  if (!request.record.compare_with.empty()) {
    for (std::string& note : CompareWithRecord(request.record.compare_with, planned->identity))
      plan.notes.push_back(std::move(note));
  }
  CheckParts(request);
  if (KeepsState(request)) {
    planned->found = FindRun(planned->identity, request.checkpoint.resume_from,
                             request.checkpoint.existing_state);
  }
  // Final latents are removed after the outputs are written: a run that was killed in between has
  // written them itself.
  const bool wrote_outputs =
      planned->found && planned->found->progress.sampler.step == job.sampling.steps;
  CheckReplaceable(request, planned->identity, wrote_outputs);
  CheckPlaces(*planned);
  ReadInputs(*planned);
  if (planned->found) {
    plan.resumed_from = planned->found->progress.sampler.step;
    for (const std::string& note : planned->found->notes) plan.notes.push_back(note);
  }
  const MemoryBudget budget = BudgetOf(settings_.device, settings_.limits);
  planned->memory = PlanRunMemory(model_, job, settings_.dtype, budget);
  plan.memory = ToOutlook(planned->memory);
  plan.refusal = CheckMemory(model_, job, settings_.dtype, planned->memory);
  if (const auto calibration =
          FindCalibration(CalibrationKeyOf(model_, job, settings_.device, settings_.dtype))) {
    plan.time = ExpectTime(*calibration, model_, job, settings_.dtype,
                           planned->memory.stream_weights, !settings_.options.deterministic);
  }
  return plan;
}

}  // namespace t3
