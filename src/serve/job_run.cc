// Running one job.
#include "serve/job_run.h"

#include <chrono>
#include <filesystem>

#include "base/check.h"
#include "base/failure.h"
#include "serve/plan_message.h"
#include "serve/progress_share.h"
#include "t3video/request_options.h"
#include "t3video/tools.h"

namespace t3::serve {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kThumbnailWidth = 512;
// Between two messages of a stage.
constexpr std::chrono::milliseconds kInterval{100};

// Where the machine is not calibrated: parts of the time, with the steps of the video as 80.
constexpr double kLoadingText = 2, kText = 2, kImage = 1, kLoading = 2, kDraft = 20, kSteps = 80,
                 kDraftDecoding = 3, kEncoding = 4, kDecoding = 12;

std::vector<StageShare> SharesOf(const RunPlan& plan) {
  const std::optional<TimeOutlook>& time = plan.time;
  // Stages that have no expected time are a part of that of the steps.
  const double unit = time && time->denoising > 0 ? time->denoising / kSteps : 1;
  std::vector<StageShare> shares{{"loading text encoder", kLoadingText * unit},
                                 {"encoding text", kText * unit}};
  if (plan.draft) {
    shares.push_back({"denoising draft", time ? time->draft : kDraft});
    shares.push_back({"decoding draft", time ? 0 : kDraftDecoding});
  }
  const bool refines = plan.draft || !plan.request.video.empty();
  if (refines) {
    shares.push_back(
        {plan.draft ? "encoding draft" : "encoding video", time ? time->encoding : kEncoding});
  }
  if (!plan.request.image.empty()) shares.push_back({"encoding image", kImage * unit});
  shares.push_back({"loading denoiser", kLoading * unit});
  shares.push_back({"denoising", time ? time->denoising : kSteps});
  shares.push_back({"decoding", time ? time->decoding : kDecoding});
  return shares;
}

// Progress and previews of a run as messages.
class Reporter {
 public:
  Reporter(std::string id, const RunPlan& plan, const SendFn& send)
      : id_(std::move(id)),
        preview_(plan.request.preview.path),
        share_(SharesOf(plan)),
        send_(send) {}

  void operator()(const ProgressEvent& event) {
    const bool steps = event.stage.starts_with("denoising");
    if (steps) ReportPreview(event.done);
    share_.Update(event.stage, static_cast<double>(event.done), static_cast<double>(event.total));
    const auto now = std::chrono::steady_clock::now();
    const bool begins = event.stage != stage_;
    const bool ends = event.total > 0 && event.done >= event.total;
    if (begins && !stage_.empty()) steps_before_ += last_steps_;
    if (begins) last_steps_ = 0;
    if (steps) last_steps_ = event.done;
    stage_ = event.stage;
    if (!begins && !ends && now - last_ < kInterval) return;
    last_ = now;
    Send(event);
  }

 private:
  void Send(const ProgressEvent& event) const {
    ordered_json message{{"event", "progress"},
                         {"id", id_},
                         {"stage", event.stage},
                         {"done", event.done},
                         {"total", event.total},
                         {"unit", event.unit},
                         {"seconds", event.seconds},
                         {"stage_seconds_left", nullptr},
                         {"progress", static_cast<int64_t>(100 * share_.share())},
                         {"seconds_left", nullptr},
                         {"memory_bytes", event.memory_bytes},
                         {"step", steps_before_ + last_steps_}};
    if (event.seconds_left >= 0) message["stage_seconds_left"] = event.seconds_left;
    if (const auto left = share_.SecondsLeft(event.seconds, event.seconds_left))
      message["seconds_left"] = *left;
    send_(message);
  }

  // The library writes the file before it reports the step.
  void ReportPreview(int64_t step) {
    std::error_code error;
    const auto written = std::filesystem::last_write_time(preview_, error);
    if (error || written == preview_written_) return;
    preview_written_ = written;
    send_({{"event", "preview"}, {"id", id_}, {"step", step}});
  }

  std::string id_;
  std::string preview_;
  std::filesystem::file_time_type preview_written_ = std::filesystem::file_time_type::min();
  ProgressShare share_;
  const SendFn& send_;
  std::string stage_;
  int64_t steps_before_ = 0;  // of a draft
  int64_t last_steps_ = 0;
  std::chrono::steady_clock::time_point last_;
};

Request RequestOf(const ordered_json& message, const EngineHolder& engines) {
  Request request;
  request.prompt = message.at("prompt");
  SetOptions(message.at("options"), request);
  request.seed = message.at("seed");
  request.image.path = message.at("image");
  request.video = message.at("video");
  request.output.path = message.at("output");
  request.preview.path = message.at("preview");
  request.preview.every = 1;
  request.checkpoint.every = 1;
  request.record.path = message.at("record");
  request.record.skip_finished = true;
  if (const double seconds = message.at("seconds"); seconds > 0) {
    const double fps = request.output.fps.value_or(PlanOf(engines.opened(), {}, 0).video.fps);
    request.params.frames = FramesOfSeconds(seconds, fps);
  }
  return request;
}

// A state that cannot be continued, for the model or the program is another, is discarded.
RunPlan PlanJob(Engine& engine, Request request) {
  try {
    return engine.Plan(request);
  } catch (const Error&) {
    request.checkpoint.existing_state = ExistingState::kDiscard;
    request.record.skip_finished = false;
    request.output.overwrite = true;
    RunPlan plan = engine.Plan(request);  // throws the same where that was not the reason
    return plan;
  }
}

int64_t BytesOf(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<int64_t>(size);
}

void Run(const ordered_json& message, EngineHolder& engines, const CancelToken& cancel,
         const SendFn& send) {
  const std::string id = message.at("id");
  Engine& engine = engines.With({message.at("own_loras"), ReadLoras(message.at("loras"))});
  const RunPlan plan = PlanJob(engine, RequestOf(message, engines));
  if (plan.refusal) throw Error(plan.refusal->what(), ErrorKind::kUsage);
  const VideoPlan& video = plan.video;
  send({{"event", "planned"},
        {"id", id},
        {"width", video.width},
        {"height", video.height},
        {"frames", video.frames},
        {"fps", plan.request.output.fps.value_or(video.fps)},
        {"steps", plan.steps},
        {"notes", plan.notes}});
  Reporter report(id, plan, send);
  const Result result = engine.Run(plan, std::ref(report), &cancel);
  WriteThumbnail(result.output, message.at("thumbnail"), kThumbnailWidth);
  ordered_json stages = ordered_json::object(), notes = ordered_json::array();
  for (const Result::Stage& stage : result.stages)
    stages[stage.name] = stage.seconds + stages.value(stage.name, 0.0);
  for (const std::string& note : result.notes)
    if (std::ranges::find(plan.notes, note) == plan.notes.end()) notes.push_back(note);
  send({{"event", "completed"},
        {"id", id},
        {"stages", stages},
        {"notes", notes},
        {"bytes", BytesOf(result.output)}});
}

// A fault of the device outlives the job that met it.
bool IsDeviceFault(const std::string& message) {
  return message.find("CUDA") != std::string::npos && message.find("memory") == std::string::npos;
}

}  // namespace

Engine& EngineHolder::With(const RequestLoras& loras) {
  if (engine_ && loras == loras_) return *engine_;
  engine_.reset();
  RunOptions options = opened_.options;
  options.keep_networks = true;  // for the next job
  engine_ = std::make_unique<Engine>(FilesWith(opened_, loras), options);
  loras_ = loras;
  return *engine_;
}

bool RunJob(const ordered_json& message, EngineHolder& engines, const CancelToken& cancel,
            const SendFn& send) {
  const std::string id = message.at("id");
  try {
    Run(message, engines, cancel, send);
    return true;
  } catch (...) {
    const Error error = CurrentError();
    if (error.kind() == ErrorKind::kInterrupted) {
      send({{"event", "stopped"}, {"id", id}});
      return true;
    }
    const bool usage = error.kind() == ErrorKind::kUsage;
    const bool fault = !usage && IsDeviceFault(error.what());
    send({{"event", "failed"},
          {"id", id},
          {"code", usage ? "invalid_request" : "generation_failed"},
          {"message", error.what()},
          {"again", fault}});
    return !fault;
  }
}

}  // namespace t3::serve
