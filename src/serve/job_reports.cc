// What workers take and report.
#include <algorithm>

#include "base/base64.h"
#include "base/check.h"
#include "base/failure.h"
#include "base/json.h"
#include "serve/jobs.h"
#include "serve/png_size.h"
#include "serve/request_fields.h"
#include "serve/server_log.h"
#include "serve/video_object.h"

namespace t3::serve {
namespace {

using nlohmann::ordered_json;

// How many times in a row a job may end its worker without a further step.
constexpr int64_t kMaxCrashes = 3;
// Between two times that the progress of a running job is stored.
constexpr int64_t kSaveEvery = 1000;  // milliseconds

// A message of the library as clients see it: fields in place of options, and no paths of the
// server.
std::string ForClients(const std::string& message, const JobFiles& files) {
  std::string text = WithFieldNames(message);
  const std::string folder = files.folder() + "/";
  for (size_t at = text.find(folder); at != std::string::npos; at = text.find(folder, at)) {
    // Of "FOLDER/jobs/ID/input.mp4" the file's name remains.
    const size_t end = std::min(text.find_first_of(" :;,'\"", at), text.size());
    text.erase(at, text.rfind('/', end - 1) + 1 - at);
  }
  return text;
}

// A message about the file that the client uploaded names its field. False where it is about
// something else; `source_video` is a file that the server made itself.
bool BlamesUpload(const Job& job, const JobFiles& files, std::string& message) {
  if (job.input_file.empty() || !job.source_video.empty()) return false;
  const std::string path = files.Folder(job.id) + "/" + job.input_file;
  const size_t at = message.find(path);
  if (at == std::string::npos) return false;
  message.replace(at, path.size(), "`input_reference`");
  return true;
}

double SecondsBetween(int64_t from, int64_t to) { return static_cast<double>(to - from) / 1000; }

}  // namespace

void Jobs::OnCancel(std::function<void(int, const std::string&)> cancel) {
  const std::lock_guard lock(mutex_);
  cancel_ = std::move(cancel);
}

std::optional<Job> Jobs::TakeNext(int worker, const std::atomic<bool>& stopping) {
  std::unique_lock lock(mutex_);
  for (;;) {
    // Without room a job could not be written, nor the others' state.
    queued_.wait_for(lock, std::chrono::seconds(1),
                     [&] { return stopping || stopped_ || (queue_.size() > 0 && !disk_low_); });
    if (stopping || stopped_) return std::nullopt;
    if (disk_low_) continue;
    const std::optional<std::string> id = queue_.Take();
    if (!id) continue;
    std::optional<Job> job = Stored(*id);
    if (!job) continue;  // deleted meanwhile
    const bool continues = job->started != 0;
    job->status = JobStatus::kInProgress;
    job->started = continues ? job->started : NowMilliseconds();
    job->resumed += continues ? 1 : 0;
    if (continues) metrics_.Add("t3_jobs_resumed_total");
    if (!continues)
      metrics_.Observe("t3_job_wait_seconds", {}, SecondsBetween(job->created, job->started));
    expected_.erase(*id);
    Running& running = running_[*id];
    running.job = *job;
    running.feed = FeedOf(*id);
    running.worker = worker;
    running.saved = NowMilliseconds();
    Save(*job);
    PublishVideo(*job, {});
    Log("info", "job_started", {{"id", *id}, {"worker", worker}, {"resumed", job->resumed}});
    return job;
  }
}

void Jobs::PublishVideo(const Job& job, const LiveState& live) {
  FeedOf(job.id)->Publish(EventKind::kVideo,
                          DumpJson(VideoObject(job, live, model_, limits_.keep_days)));
}

void Jobs::Save(const Job& job) {
  unsaved_[job.id] = {job, ++changes_};
  changed_.notify_one();
}

// A change that the disk has no room for stays in memory and is tried again.
void Jobs::StoreChanges() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return closing_ || !unsaved_.empty(); });
    if (unsaved_.empty()) return;
    const Change change = unsaved_.begin()->second;
    lock.unlock();
    bool stored = false;
    try {
      store_.Update(change.job);
      stored = true;
    } catch (...) {
      Log("error", "job_not_stored", {{"id", change.job.id}, {"text", CurrentError().what()}});
    }
    lock.lock();
    const auto found = unsaved_.find(change.job.id);
    const bool latest = found != unsaved_.end() && found->second.number == change.number;
    if (latest && stored) unsaved_.erase(found);
    if (stored) continue;
    if (closing_) return;
    changed_.wait_for(lock, std::chrono::seconds(1), [&] { return closing_; });
  }
}

void Jobs::Report(const std::string& id, const ordered_json& message) {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  Running& running = found->second;
  const std::string event = message.value("event", "");
  if (running.cancelled) {
    if (event == "completed" || event == "failed" || event == "stopped") Finish(running);
    return;
  }
  if (event == "planned") Planned(running, message);
  if (event == "progress") Progress(running, message);
  if (event == "preview") Preview(running, message);
  if (event == "completed") Complete(running, message);
  if (event == "failed") {
    std::string text = message.value("message", "");
    // It may go on once there is room again.
    if (files_.FreeBytes() < limits_.min_free_bytes || message.value("again", false))
      return Requeue(running, text);
    const bool upload = BlamesUpload(running.job, files_, text);
    const std::string code = message.value("code", "generation_failed");
    Fail(running, upload ? "invalid_request" : code, text);
  }
  if (event == "stopped") {  // the server is shutting down
    running.job.status = JobStatus::kQueued;
    Save(running.job);
    Finish(running);
  }
}

void Jobs::Planned(Running& running, const ordered_json& message) {
  Job& job = running.job;
  job.width = message.at("width");
  job.height = message.at("height");
  job.frames = message.at("frames");
  job.fps = message.at("fps");
  job.steps = message.at("steps");
  job.notes.clear();
  for (const std::string note : message.at("notes")) job.notes.push_back(ForClients(note, files_));
  Save(job);
  PublishVideo(job, running.live);
}

void Jobs::Progress(Running& running, const ordered_json& message) {
  Job& job = running.job;
  ordered_json data = message;
  data.erase("event");
  data.erase("id");
  const int64_t step = data.value("step", job.step);
  data.erase("step");
  if (step > job.step) {
    metrics_.Add("t3_steps_total", {}, static_cast<double>(step - job.step));
    job.crashes = 0;
  }
  job.step = step;
  job.progress = std::clamp<int64_t>(data.at("progress"), job.progress, 99);
  data["progress"] = job.progress;
  running.live.stage = data;
  running.live.seconds_left.reset();
  if (data.at("seconds_left").is_number())
    running.live.seconds_left = data["seconds_left"].get<double>();
  running.feed->Publish(EventKind::kProgress, DumpJson(data));
  if (NowMilliseconds() - running.saved < kSaveEvery) return;
  running.saved = NowMilliseconds();
  Save(job);
}

void Jobs::Preview(Running& running, const ordered_json& message) {
  const std::optional<PngFile> png = ReadPngFile(files_.Preview(running.job.id));
  if (!png) return;
  running.live.has_preview = true;
  running.feed->Publish(EventKind::kPreview, DumpJson({{"step", message.at("step")},
                                                       {"width", png->width},
                                                       {"height", png->height},
                                                       {"content_type", "image/png"},
                                                       {"data", ToBase64(png->bytes)}}));
}

void Jobs::Complete(Running& running, const ordered_json& message) {
  Job& job = running.job;
  job.status = JobStatus::kCompleted;
  job.completed = NowMilliseconds();
  job.progress = 100;
  job.stages = message.at("stages");
  for (const std::string note : message.at("notes")) job.notes.push_back(ForClients(note, files_));
  files_.RemoveState(job.id);
  job.bytes = files_.Bytes(job.id);
  pace_.Note(job);
  metrics_.Add("t3_jobs_finished_total", {{"status", "completed"}});
  metrics_.Observe("t3_job_duration_seconds", {}, SecondsBetween(job.started, job.completed));
  for (const auto& [stage, seconds] : job.stages.items())
    metrics_.Observe("t3_stage_duration_seconds", {{"stage", stage}}, seconds.get<double>());
  const auto frames = static_cast<double>(job.frames);
  metrics_.Add("t3_frames_total", {}, frames);
  metrics_.Add("t3_pixels_total", {}, frames * static_cast<double>(job.width * job.height));
  metrics_.Add("t3_output_bytes_total", {}, static_cast<double>(message.at("bytes")));
  Log("info", "job_completed",
      {{"id", job.id}, {"seconds", SecondsBetween(job.started, job.completed)}});
  Save(job);
  PublishVideo(job, {});
  Finish(running);
}

void Jobs::Fail(Running& running, const std::string& code, const std::string& message) {
  Job& job = running.job;
  job.status = JobStatus::kFailed;
  job.completed = NowMilliseconds();
  job.error_code = code;
  job.error_message = ForClients(message, files_);
  job.bytes = files_.Bytes(job.id);
  metrics_.Add("t3_jobs_finished_total", {{"status", "failed"}});
  Log("warning", "job_failed", {{"id", job.id}, {"code", code}, {"text", message}});
  Save(job);
  PublishVideo(job, {});
  Finish(running);
}

void Jobs::Requeue(Running& running, const std::string& why) {
  Job& job = running.job;
  if (++job.crashes >= kMaxCrashes) {
    return Fail(running, "worker_failed",
                fmt::format("{} ({} times without a further step)", why, job.crashes));
  }
  job.status = JobStatus::kQueued;
  Log("warning", "job_continues_later", {{"id", job.id}, {"text", why}});
  Save(job);
  PublishVideo(job, {});
  expected_[job.id] = job.expected_seconds;
  queue_.Push(job.key, job.id, true);
  Finish(running);
  queued_.notify_one();
}

// The job no longer runs; `running` is gone after it.
void Jobs::Finish(Running& running) {
  const std::string id = running.job.id;
  queue_.Done(running.job.key);
  if (running.cancelled) {
    metrics_.Add("t3_jobs_finished_total", {{"status", "deleted"}});
    Log("info", "job_deleted", {{"id", id}});
    files_.Remove(id);
  } else if (IsFinished(running.job.status)) {
    running.feed->End();
  }
  running_.erase(id);
}

void Jobs::WorkerLost(const std::string& id, const std::string& how) {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  if (found->second.cancelled) return Finish(found->second);
  Requeue(found->second, "the worker " + how);
}

}  // namespace t3::serve
