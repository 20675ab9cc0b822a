// Checks a request and decides sizes, sampling and batch.
#include "eval/eval_plan.h"

#include <algorithm>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/extension.h"
#include "base/file_claims.h"
#include "base/text.h"
#include "eval/contact_sheet.h"
#include "eval/eval_record.h"
#include "loading/load_models.h"
#include "pipeline/choose_sampling.h"
#include "pipeline/existing_files.h"
#include "pipeline/job_notes.h"
#include "pipeline/refinement.h"
#include "pipeline/run_settings.h"
#include "plan/cost.h"
#include "plan/windows.h"
#include "runtime/device.h"
#include "t3video/version.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kMaxClips = 1'000'000;

void CheckRequest(const EvalRequest& request) {
  if (request.clips < 0 || request.clips > kMaxClips)
    FailUsage("`clips` {} is outside 0 to {}", request.clips, kMaxClips);
  if (request.loss_clips < 0 || request.loss_clips > kMaxClips)
    FailUsage("`loss-clips` {} is outside 0 to {}", request.loss_clips, kMaxClips);
  if (request.clips == 0 && request.loss_clips == 0)
    FailUsage("`clips` 0 without `loss-clips` leaves nothing to measure");
  if (request.batch < 0)
    FailUsage("`batch` {} is negative; 0 lets the device choose", request.batch);
  CheckNumbers(request.params);  // also where the clips are not generated
  if (request.loss_clips > 0 && request.source != EvalSource::kModel)
    FailUsage("`loss-clips` measures the denoiser, which true clips do not have");
  if (request.small_size && request.source != EvalSource::kModel)
    FailUsage("`enlarged-from` needs clips that a model generates");
  CheckExtension("`json`", request.json, ".json");
  CheckExtension("`save-sheet`", request.sheet, ".png");
  FileClaims files;
  files.Write("`json`", request.json);
  files.Write("`save-sheet`", request.sheet);
  CheckReplaceable(request.json, request.overwrite, IsEvalRecord);
  CheckReplaceable(request.sheet, request.overwrite, ContactSheet::IsSheet);
  for (const std::string& path : {request.json, request.sheet}) {
    if (!path.empty()) const AtomicFile writable(path);
  }
}

Job TruthJob(const EvalRequest& request) {
  Job job;
  const VideoSize size = request.params.size.value_or(VideoSize{256, 144});
  job.geometry.width = size.width;
  job.geometry.height = size.height;
  job.geometry.frames = request.params.frames.value_or(17);
  return job;
}

Job ModelJob(const ModelInfo& model, const EvalRequest& request) {
  Request job;
  job.params = request.params;
  return PlanJob(model, job);
}

// The job of the clips that are enlarged.
Job SmallJob(const ModelInfo& model, EvalRequest request, const Job& job) {
  request.params.size = request.small_size;
  Job small = ModelJob(model, request);
  const VideoGeometry &from = small.geometry, &to = job.geometry;
  // Another shape would show another picture.
  if (from.width >= to.width || from.width * to.height != from.height * to.width)
    FailUsage("`enlarged-from` {}x{}: wanted a size below {}x{} of the same shape", from.width,
              from.height, to.width, to.height);
  return small;
}

// Operations on few tokens leave a GPU idle; about 30,000 keep an H200 busy.
int64_t BatchOf(const EvalRequest& request, const Job& job, at::Device device) {
  if (request.source != EvalSource::kModel) return 1;
  if (request.batch > 0) return request.batch;
  constexpr int64_t kTokens = 32'768, kMax = 32;
  return device.is_cuda() ? std::clamp<int64_t>(kTokens / job.geometry.grid.tokens(), 1, kMax) : 1;
}

void CheckParts(const EvalPlan& plan) {
  CheckVae(*plan.model);
  const EvalRequest& request = plan.request;
  const VideoGeometry& video = plan.clips.job.geometry;
  const bool whole = video.padded_width == video.width && video.padded_height == video.height;
  // A crop of what the encoder takes would be another picture than the world's at that size.
  T3_CHECK(whole || (plan.generates() && request.loss_clips == 0),
           "eval: this model's VAE cannot make {}x{}; the nearest size above is {}x{}", video.width,
           video.height, video.padded_width, video.padded_height);
  if (!plan.generates()) return;
  CheckDit(*plan.model);
  CheckTextEncoder(*plan.model);
}

void DescribeLoras(const EvalPlan& plan, ordered_json& s) {
  const ModelInfo& denoiser = DenoisedBy(*plan.model, plan.clips.job);
  const auto add_loras = [&](const char* key, const ModelInfo& model) {
    for (const Lora& lora : model.loras)
      s[key].push_back(fmt::format("{}:{}", lora.path, lora.scale));
  };
  add_loras("lora", denoiser);
  if (plan.draft && &denoiser != &*plan.model) add_loras("draft_lora", *plan.model);
}

void DescribeModel(const EvalPlan& plan, EvalRecord& record) {
  const SamplingConfig& sampling = plan.clips.job.sampling;
  const JobAttention& attention = plan.clips.job.attention;
  ordered_json& s = record.settings;
  s["model"] = plan.model->paths.dit;
  DescribeLoras(plan, s);
  s["seed"] = plan.request.seed;
  s["steps"] = sampling.steps, s["guidance"] = sampling.guidance, s["shift"] = sampling.shift;
  if (plan.draft) {
    const VideoGeometry& draft = plan.draft->job.geometry;
    s["draft"] = fmt::format("{}x{}", draft.width, draft.height);
    s["draft_steps"] = plan.draft->job.steps();
    s["strength"] = sampling.strength;
    record.title +=
        fmt::format(", draft {}x{}, strength {}", draft.width, draft.height, sampling.strength);
  }
  s["sampler"] = SamplerName(sampling.sampler);
  const int64_t excluded = ExcludedSteps(plan.clips.job, plan.dtype);
  if (excluded > 0) s["fp8_exclude_steps"] = excluded;
  if (!sampling.timesteps.empty()) s["timesteps"] = sampling.timesteps;
  if (!sampling.sigmas.empty()) s["sigmas"] = sampling.sigmas;
  s["attention"] = AttentionName(attention.pattern);
  if (attention.pattern != AttentionPattern::kFull) s["windows"] = FormatWindows(attention.windows);
  s["batch"] = plan.batch;
  if (plan.small) {
    const VideoGeometry& small = plan.small->job.geometry;
    s["enlarged_from"] = fmt::format("{}x{}", small.width, small.height);
  }
  record.title += fmt::format(", {} with {} attention, {}, guidance {}", plan.model->paths.dit,
                              AttentionName(attention.pattern), Counted(sampling.steps, "step"),
                              sampling.guidance);
  record.attention_macs = CostOfForward(plan.model->dit, attention.pattern, attention.windows,
                                        plan.clips.job.segment.grid)
                              .attention;
}

}  // namespace

std::vector<std::string> EvalPlan::notes() const {
  if (!generates()) return {};
  return JobNotes(*model, clips.job, {&*model, draft ? &draft->job : nullptr});
}

EvalPlan PlanEval(const ModelFiles& files, const RunOptions& options, const EvalRequest& request,
                  const RunContext& context) {
  CheckRequest(request);
  EvalPlan plan;
  plan.request = request;
  plan.dtype = ResolveDtype(options.dtype, context.device);
  if (request.source == EvalSource::kTruth) {
    plan.clips.job = TruthJob(request);
  } else {
    plan.model = OpenModel(files, FolderLoras::kApplied);
    plan.clips.job = ModelJob(*plan.model, request);
    if (plan.clips.job.draft_size && plan.generates())
      plan.draft = ClipPlan{PlanJob(*plan.model, DraftRequest(plan.clips.job)), {}};
    CheckParts(plan);
    if (request.small_size)
      plan.small = ClipPlan{SmallJob(*plan.model, request, plan.clips.job), {}};
  }
  if (plan.clips.job.geometry.frames < 3)
    FailUsage("`frames` {}: flicker needs at least 3", plan.clips.job.geometry.frames);
  plan.batch = BatchOf(request, plan.clips.job, context.device);
  return plan;
}

EvalRecord DescribeEval(const EvalPlan& plan, at::Device device) {
  const EvalRequest& request = plan.request;
  const VideoGeometry& video = plan.clips.job.geometry;
  constexpr const char* kSources[] = {"model", "truth", "vae"};
  EvalRecord record;
  ordered_json& s = record.settings;
  s["t3"] = GetBuildInfo().version + " " + GetBuildInfo().commit;
  s["source"] = kSources[static_cast<int>(request.source)];
  s["size"] = fmt::format("{}x{}", video.width, video.height);
  s["frames"] = video.frames;
  s["first_seed"] = request.first_seed;
  s["clips_wanted"] = request.clips;
  s["device"] = DeviceName(device);
  record.title = fmt::format("{} from {}, {}x{}x{}", Counted(request.clips, "held-out scene"),
                             request.first_seed, video.width, video.height, video.frames);
  if (!plan.model) {
    record.title += ", true renders";
    return record;
  }
  s["dtype"] = ComputeDtypeName(ToComputeDtype(plan.dtype));
  s["vae"] = plan.model->paths.vae;
  if (plan.model->decoder) s["decoder"] = plan.model->decoder->path;
  if (plan.generates()) {
    DescribeModel(plan, record);
  } else {
    record.title += ", through the VAE " + plan.model->paths.vae;
  }
  return record;
}

}  // namespace t3
