// t3 eval: held-out scenes made, read and compared with their true renders.
#include <algorithm>
#include <filesystem>
#include <future>
#include <memory>

#include "base/atomic_file.h"
#include "base/check.h"
#include "eval/clip_maker.h"
#include "eval/contact_sheet.h"
#include "eval/eval_report.h"
#include "eval/time_breakdown.h"
#include "pipeline/device.h"
#include "pipeline/load_models.h"
#include "pipeline/memory_check.h"
#include "pipeline/text_stage.h"
#include "plan/cost.h"
#include "plan/windows.h"
#include "t3video/eval.h"
#include "t3video/version.h"
#include "training/vae/psnr.h"
#include "world/held_out.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kMaxClips = 1'000'000;

void CheckRequest(const EvalRequest& request) {
  if (request.clips < 0 || request.clips > kMaxClips)
    FailUsage("--clips {} is outside 0 to {}", request.clips, kMaxClips);
  if (request.loss_clips < 0 || request.loss_clips > kMaxClips)
    FailUsage("--loss-clips {} is outside 0 to {}", request.loss_clips, kMaxClips);
  if (request.clips == 0 && request.loss_clips == 0)
    FailUsage("--clips 0 without --loss-clips leaves nothing to measure");
  if (request.batch < 0) FailUsage("--batch {}: wanted at least 1", request.batch);
  if (request.loss_clips > 0 && request.source != EvalSource::kModel)
    FailUsage("--loss-clips measures the denoiser, which true clips have none of");
  if (request.small_width && request.source != EvalSource::kModel)
    FailUsage("--enlarged-from is of clips that a model makes; true clips are not made again");
  for (const std::string& path : {request.json, request.sheet}) {
    if (!path.empty()) const AtomicFile writable(path);
  }
}

// The job of every clip; for true renders just a size.
Job TruthJob(const EvalRequest& request) {
  Job job;
  job.geometry.width = request.width.value_or(256);
  job.geometry.height = request.height.value_or(144);
  job.geometry.frames = request.frames.value_or(17);
  return job;
}

Job ModelJob(const ModelInfo& model, const EvalRequest& request) {
  Request job;
  job.width = request.width, job.height = request.height, job.frames = request.frames;
  job.steps = request.steps, job.guidance = request.guidance, job.shift = request.shift;
  job.sampler = request.sampler;
  job.attention = request.attention, job.windows = request.windows;
  return PlanJob(model, job);
}

// The same for the clips that are enlarged.
Job SmallJob(const ModelInfo& model, EvalRequest request, const Job& job) {
  request.width = request.small_width, request.height = request.small_height;
  Job small = ModelJob(model, request);
  const VideoGeometry &from = small.geometry, &to = job.geometry;
  // Of another shape it would be another picture.
  if (from.width >= to.width || from.width * to.height != from.height * to.width)
    FailUsage("--enlarged-from {}x{}: wanted a size below {}x{} of the same shape", from.width,
              from.height, to.width, to.height);
  return small;
}

// Plain operations of a few tokens leave a GPU idle; what keeps an H200 busy is some 30,000.
int64_t BatchOf(const EvalRequest& request, const Job& job, at::Device device) {
  if (request.source != EvalSource::kModel) return 1;
  if (request.batch > 0) return request.batch;
  constexpr int64_t kTokens = 32'768, kMax = 32;
  return device.is_cuda() ? std::clamp<int64_t>(kTokens / job.geometry.grid.tokens(), 1, kMax) : 1;
}

class Evaluation {
 public:
  Evaluation(const ModelFiles& files, const RunOptions& options, const EvalRequest& request,
             const ProgressFn& progress, const CancelToken* cancel)
      : request_(request),
        context_{progress, cancel, ResolveDevice(options.device), options.memory_limit},
        dtype_(ResolveDtype(options.dtype, context_.device)) {
    SetUpDevice(context_.device, options);
    if (request.source == EvalSource::kTruth) {
      job_ = TruthJob(request);
    } else {
      model_.emplace(OpenModel(files));
      job_ = ModelJob(*model_, request);
      CheckParts(options);
      if (request.small_width) small_job_ = SmallJob(*model_, request, job_);
    }
    if (job_.geometry.frames < 3)
      FailUsage("--frames {}: flicker needs at least 3", job_.geometry.frames);
    batch_ = BatchOf(request, job_, context_.device);
    Describe();
  }

  EvalResult Run() {
    EvalResult result;
    try {
      took_.Time("loading", [this] { Load(); });
      MeasureClips();
      MeasureLosses();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kInterrupted || record_.clips.empty()) throw;
      record_.interrupted = true;
    }
    Save();
    if (!request_.sheet.empty()) sheet_.Write(request_.sheet);
    result.report = MakeReport(record_);
    result.interrupted = record_.interrupted;
    return result;
  }

 private:
  void CheckParts(const RunOptions& options) const {
    CheckVae(*model_);
    const VideoGeometry& made = job_.geometry;
    const bool whole = made.made_width == made.width && made.made_height == made.height;
    // A crop of what the encoder takes would be another picture than the world's at that size.
    T3_CHECK(whole || (request_.source == EvalSource::kModel && request_.loss_clips == 0),
             "eval: {}x{} is no size that this model's VAE makes; the nearest above is {}x{}",
             made.width, made.height, made.made_width, made.made_height);
    if (request_.source != EvalSource::kModel) return;
    CheckDit(*model_);
    CheckTextEncoder(*model_);
    CheckMemory(*model_, job_, context_.device, dtype_,
                {options.memory_limit, options.host_memory_limit});
  }

  void Describe() {
    const VideoGeometry& video = job_.geometry;
    constexpr const char* kSources[] = {"model", "truth", "vae"};
    ordered_json& s = record_.settings;
    s["t3"] = GetBuildInfo().version + " " + GetBuildInfo().commit;
    s["source"] = kSources[static_cast<int>(request_.source)];
    s["size"] = fmt::format("{}x{}", video.width, video.height);
    s["frames"] = video.frames;
    s["first_seed"] = request_.first_seed;
    s["clips_wanted"] = request_.clips;
    s["device"] = DeviceName(context_.device);
    record_.title = fmt::format("{} held-out scenes from {}, {}x{}x{}", request_.clips,
                                request_.first_seed, video.width, video.height, video.frames);
    if (!model_) {
      record_.title += ", true renders";
      return;
    }
    s["dtype"] = dtype_ == at::kBFloat16 ? "bf16" : "fp32";
    s["vae"] = model_->paths.vae;
    if (request_.source == EvalSource::kVae) {
      record_.title += ", through the VAE " + model_->paths.vae;
      return;
    }
    const SamplingConfig& sampling = job_.sampling;
    s["model"] = model_->paths.dit;
    for (const Lora& lora : model_->loras)
      s["lora"].push_back(fmt::format("{}:{}", lora.path, lora.scale));
    s["seed"] = request_.seed;
    s["steps"] = sampling.steps, s["guidance"] = sampling.guidance, s["shift"] = sampling.shift;
    s["sampler"] = SamplerName(sampling.sampler);
    s["attention"] = AttentionName(job_.attention.pattern);
    if (job_.attention.pattern != AttentionPattern::kFull)
      s["windows"] = FormatWindows(job_.attention.windows);
    s["batch"] = batch_;
    if (small_job_) {
      const VideoGeometry& small = small_job_->geometry;
      s["enlarged_from"] = fmt::format("{}x{}", small.width, small.height);
    }
    record_.title +=
        fmt::format(", {} with {} attention, {} steps, guidance {}", model_->paths.dit,
                    AttentionName(job_.attention.pattern), sampling.steps, sampling.guidance);
    record_.attention_macs =
        CostOfForward(model_->dit, job_.attention.pattern, job_.attention.windows, video.grid)
            .attention;
  }

  EvalItem ItemOf(int64_t i) const {
    EvalItem item;
    item.number = request_.first_seed + static_cast<uint64_t>(i);
    item.scene = HeldOutScene(item.number);
    item.caption = Caption(item.scene, item.scene.seed);
    item.noise_seed = request_.seed + static_cast<uint64_t>(i);
    return item;
  }

  void Load() {
    for (int64_t i = 0; i < std::max(request_.clips, request_.loss_clips); ++i)
      items_.push_back(ItemOf(i));
    if (!model_) return;
    const bool generates = request_.source == EvalSource::kModel;
    if (generates) EncodeCaptions();
    maker_ = std::make_unique<ClipMaker>(*model_, job_, dtype_, batch_, context_);
    if (generates) {
      maker_->LoadDenoiser();
      record_.forward_seconds = maker_->ForwardSeconds(items_.front());
    }
    if (request_.clips > 0) maker_->LoadDecoder();
    if (!generates || request_.loss_clips > 0) maker_->LoadEncoder();
    if (small_job_ && request_.clips > 0) {
      small_maker_ = std::make_unique<ClipMaker>(*model_, *small_job_, dtype_, batch_, context_);
      small_maker_->ShareNetworks(*maker_);
    }
  }

  void EncodeCaptions() {
    std::vector<std::string> texts{job_.negative_prompt};
    for (const EvalItem& item : items_) texts.push_back(item.caption);
    std::vector<Result::Stage> stages;
    const auto encoded = EncodeTexts(*model_, texts, dtype_, context_, stages);
    for (EvalItem& item : items_)
      item.embeds = {encoded.at(item.caption), encoded.at(job_.negative_prompt)};
  }

  at::Tensor Truth(const EvalItem& item) {
    at::Tensor truth;
    took_.Time("rendering",
               [&] { truth = RenderScene(item.scene, ViewOf(job_), context_.device); });
    return truth;
  }

  void MeasureClips() {
    Stage stage(context_, "measuring", request_.clips, "clips");
    for (int64_t first = 0; first < request_.clips; first += batch_) {
      const int64_t some = std::min(batch_, request_.clips - first);
      const std::vector<EvalItem> items(items_.begin() + first, items_.begin() + first + some);
      MeasureBatch(items);
      Save();
      stage.Advance(first + some);
    }
  }

  void MeasureBatch(const std::vector<EvalItem>& items) {
    std::vector<at::Tensor> made;
    double making = 0;
    if (request_.source == EvalSource::kModel) {
      making = took_.Time("making", [&] { made = maker_->Generate(items); });
    }
    std::vector<at::Tensor> small;
    if (small_maker_) took_.Time("making small", [&] { small = small_maker_->Generate(items); });
    std::vector<at::Tensor> truths, videos;
    for (size_t i = 0; i < items.size(); ++i) {
      truths.push_back(Truth(items[i]));
      videos.push_back(request_.source == EvalSource::kModel ? std::exchange(made[i], {})
                                                             : truths.back());
      if (request_.source != EvalSource::kVae) continue;
      took_.Time("making", [&] { videos.back() = maker_->ThroughVae(truths.back()); });
    }
    std::vector<ClipScore> scores;
    took_.Time("reading", [&] { scores = Score(items, videos, truths); });
    for (size_t i = 0; i < items.size(); ++i) {
      const at::Tensor &video = videos[i], &truth = truths[i];
      ClipScore& score = scores[i];
      score.caption = items[i].caption;
      if (request_.source == EvalSource::kVae) score.measures["psnr"] = Psnr(video, truth);
      if (request_.source == EvalSource::kModel)
        score.measures["seconds"] = making / static_cast<double>(items.size());
      if (small_maker_) score.measures["detail_over_bicubic"] = DetailOverEnlarged(video, small[i]);
      const bool beside = request_.source != EvalSource::kTruth;
      if (!request_.sheet.empty()) sheet_.Add(video, beside ? truth : at::Tensor());
      record_.clips.push_back(std::move(score));
    }
  }

  // The detector's many small operations leave a GPU idle, so there clips are read side by side; on
  // the CPU one clip has all cores.
  std::vector<ClipScore> Score(const std::vector<EvalItem>& items,
                               const std::vector<at::Tensor>& videos,
                               const std::vector<at::Tensor>& truths) const {
    constexpr size_t kReaders = 8;
    const size_t together = context_.device.is_cuda() ? kReaders : 1;
    std::vector<ClipScore> scores;
    for (size_t first = 0; first < items.size(); first += together) {
      std::vector<std::future<ClipScore>> readings;
      for (size_t i = first; i < std::min(first + together, items.size()); ++i) {
        readings.push_back(std::async(
            together > 1 ? std::launch::async : std::launch::deferred,
            [&, i] { return ScoreClip(items[i].number, items[i].scene, videos[i], truths[i]); }));
      }
      for (std::future<ClipScore>& reading : readings) scores.push_back(reading.get());
    }
    return scores;
  }

  void MeasureLosses() {
    if (request_.loss_clips == 0) return;
    Stage stage(context_, "validation loss", request_.loss_clips, "clips");
    for (int64_t i = 0; i < request_.loss_clips; ++i) {
      const EvalItem& item = items_[static_cast<size_t>(i)];
      const at::Tensor truth = Truth(item);
      double loss = 0;
      took_.Time("losses",
                 [&] { loss = maker_->Loss(item, truth, static_cast<int64_t>(request_.seed)); });
      if (i >= static_cast<int64_t>(record_.clips.size())) {
        ClipScore& score = record_.clips.emplace_back();
        score.scene = item.number, score.caption = item.caption;
        score.wanted = item.scene.Values();
      }
      record_.clips[static_cast<size_t>(i)].measures["loss"] = loss;
      stage.Advance(i + 1);
    }
  }

  void Save() {
    record_.settings["took_seconds"] = took_.seconds();
    if (request_.json.empty()) return;
    WriteAtomically(request_.json, MakeReport(record_).json + "\n");
  }

  const EvalRequest& request_;
  RunContext context_;
  at::ScalarType dtype_;
  std::optional<ModelInfo> model_;
  Job job_;
  std::optional<Job> small_job_;  // of the clips to enlarge
  int64_t batch_ = 1;
  std::vector<EvalItem> items_;
  std::unique_ptr<ClipMaker> maker_, small_maker_;
  TimeBreakdown took_{context_.device};
  EvalRecord record_;
  ContactSheet sheet_;
};

}  // namespace

EvalResult Evaluate(const ModelFiles& files, const RunOptions& options, const EvalRequest& request,
                    const ProgressFn& progress, const CancelToken* cancel) {
  CheckRequest(request);
  return Evaluation(files, options, request, progress, cancel).Run();
}

}  // namespace t3
