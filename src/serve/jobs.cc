// Jobs from submission to removal.
#include "serve/jobs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/failure.h"
#include "base/json.h"
#include "serve/api_error.h"
#include "serve/fields.h"
#include "serve/png_size.h"
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

double SecondsBetween(int64_t from, int64_t to) { return static_cast<double>(to - from) / 1000; }

}  // namespace

Jobs::Jobs(const JobFiles& files, const Limits& limits, const std::string& model, Metrics& metrics)
    : files_(files), limits_(limits), model_(model), metrics_(metrics), store_(files.database()) {
  Recover();
  saver_ = std::thread([this] { StoreChanges(); });
}

Jobs::~Jobs() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  saver_.join();
}

void Jobs::Recover() {
  std::set<std::string> ids;
  const std::vector<Job> finished = store_.Finished();
  for (const Job& job : finished) {
    ids.insert(job.id);
    pace_.Note(job);
  }
  for (Job& job : store_.Unfinished()) {
    ids.insert(job.id);
    const bool was_running = job.status == JobStatus::kInProgress;
    if (was_running) {
      job.status = JobStatus::kQueued;
      store_.Update(job);
    }
    queue_.Push(job.key, job.id, was_running);
    expected_[job.id] = job.expected_seconds;
  }
  files_.RemoveOthers(ids);
}

// --- clients

void Jobs::CheckLimits(const std::string& key) const {
  if (stopped_) throw ApiError(503, "shutting_down", "the server is shutting down").RetryAfter(30);
  int64_t reserved = 0;
  for (const auto& [name, count] : reserved_) reserved += count;
  const auto own = reserved_.find(key);
  const int64_t waiting = queue_.size(key) + (own == reserved_.end() ? 0 : own->second);
  if (waiting >= limits_.max_queue_per_key) {
    throw ApiError(429, "too_many_jobs",
                   fmt::format("{} of your jobs are waiting, which is the limit", waiting))
        .RetryAfter(30);
  }
  if (queue_.size() + reserved >= limits_.max_queue) {
    throw ApiError(503, "queue_full",
                   fmt::format("the queue is full: {} jobs are waiting", limits_.max_queue))
        .RetryAfter(30);
  }
}

JobView Jobs::Submit(Job job, Upload* upload) {
  const int64_t uploaded = upload == nullptr ? 0 : upload->bytes();
  if (files_.FreeBytes() - uploaded < limits_.min_free_bytes)
    throw ApiError(503, "disk_full", "the server's disk is full").RetryAfter(300);
  {
    const std::lock_guard lock(mutex_);
    CheckLimits(job.key);
    ++reserved_[job.key];
  }
  try {
    files_.Create(job.id);
    if (upload != nullptr) upload->MoveTo(files_.Folder(job.id) + "/" + job.input_file);
    if (!job.source_video.empty()) {
      const std::string source = files_.Video(job.source_video);
      const std::string input = files_.Folder(job.id) + "/" + job.input_file;
      // A second name, so that the source may be deleted.
      T3_CHECK(::link(source.c_str(), input.c_str()) == 0, "the source video is gone");
    }
    store_.Insert(job);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    --reserved_[job.key];
    files_.Remove(job.id);
    Log("error", "job_not_stored", {{"id", job.id}, {"text", CurrentError().what()}});
    throw ApiError(503, "disk_full", "the server could not store the job").RetryAfter(60);
  }
  const std::lock_guard lock(mutex_);
  --reserved_[job.key];
  queue_.Push(job.key, job.id);
  expected_[job.id] = job.expected_seconds;
  metrics_.Add("t3_jobs_created_total");
  queued_.notify_one();
  return ViewOf(job);
}

std::optional<Job> Jobs::Stored(const std::string& id) const {
  if (const auto running = running_.find(id);
      running != running_.end() && !running->second.cancelled)
    return running->second.job;
  const auto unsaved = unsaved_.find(id);
  return unsaved != unsaved_.end() ? unsaved->second.job : store_.Find(id);
}

JobView Jobs::ViewOf(const Job& job) const {
  const auto running = running_.find(job.id);
  if (running != running_.end()) return {running->second.job, running->second.live};
  JobView view{job, {}};
  if (job.status == JobStatus::kQueued) view.live.queue_position = queue_.Position(job.key, job.id);
  return view;
}

std::optional<JobView> Jobs::Find(const std::string& key, const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const std::optional<Job> job = Stored(id);
  if (!job || job->key != key) return std::nullopt;
  return ViewOf(*job);
}

Jobs::Page Jobs::List(const std::string& key, const std::string& after, int64_t limit,
                      bool descending) const {
  const JobPage page = store_.List(key, after, limit, descending);
  const std::lock_guard lock(mutex_);
  Page result;
  result.has_more = page.has_more;
  for (const Job& job : page.jobs) {
    const auto unsaved = unsaved_.find(job.id);
    result.jobs.push_back(ViewOf(unsaved != unsaved_.end() ? unsaved->second.job : job));
  }
  return result;
}

bool Jobs::Delete(const std::string& key, const std::string& id) {
  const std::lock_guard lock(mutex_);
  const std::optional<Job> job = Stored(id);
  if (!job || job->key != key) return false;
  store_.Remove(id);
  unsaved_.erase(id);
  expected_.erase(id);
  FeedOf(id)->Publish(EventKind::kDeleted, DumpJson({{"id", id}}));
  FeedOf(id)->End();
  const auto running = running_.find(id);
  if (running != running_.end()) {
    running->second.cancelled = true;
    if (cancel_) cancel_(running->second.worker, id);
    return true;  // its files go when the worker has stopped
  }
  queue_.Remove(key, id);
  files_.Remove(id);
  return true;
}

std::shared_ptr<EventFeed> Jobs::FeedOf(const std::string& id) {
  std::weak_ptr<EventFeed>& known = feeds_[id];
  std::shared_ptr<EventFeed> feed = known.lock();
  if (!feed) known = feed = std::make_shared<EventFeed>();
  return feed;
}

std::shared_ptr<const EventFeed> Jobs::Watch(const std::string& key, const std::string& id) {
  const std::lock_guard lock(mutex_);
  const std::optional<Job> job = Stored(id);
  if (!job || job->key != key || stopped_) return nullptr;
  const JobView view = ViewOf(*job);
  std::shared_ptr<EventFeed> feed = FeedOf(id);
  if (feed->Wait(0, std::chrono::milliseconds(0)).empty())
    feed->Publish(EventKind::kVideo, DumpJson(Object(view)));
  if (IsFinished(view.job.status)) feed->End();
  return feed;
}

ordered_json Jobs::Object(const JobView& view) const {
  return VideoObject(view.job, view.live, model_, limits_.keep_days);
}

QueueOutlook Jobs::Outlook() const {
  const std::lock_guard lock(mutex_);
  QueueOutlook outlook{queue_.size() + std::ssize(running_), 0.0};
  const auto add = [&](std::optional<double> seconds) {
    if (!seconds || *seconds <= 0) outlook.seconds.reset();
    if (outlook.seconds) *outlook.seconds += *seconds;
  };
  for (const auto& [id, seconds] : expected_) add(seconds);
  for (const auto& [id, running] : running_) add(running.live.seconds_left);
  return outlook;
}

// --- workers

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
    const std::string text = message.value("message", "");
    // It may go on once there is room again.
    if (files_.FreeBytes() < limits_.min_free_bytes || message.value("again", false))
      return Requeue(running, text);
    Fail(running, message.value("code", "generation_failed"), text);
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
                                                       {"data", Base64(png->bytes)}}));
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

// --- server

void Jobs::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  queued_.notify_all();
  for (const auto& [id, feed] : feeds_)
    if (const auto open = feed.lock()) open->End();
}

void Jobs::Tidy() {
  LookAtDisk();
  RemoveExpired();
}

void Jobs::LookAtDisk() {
  const int64_t free = files_.FreeBytes();
  const std::lock_guard lock(mutex_);
  std::erase_if(feeds_, [](const auto& feed) { return feed.second.expired(); });
  if (disk_low_ == (free < limits_.min_free_bytes)) return;
  disk_low_ = !disk_low_;
  Log(disk_low_ ? "error" : "info", disk_low_ ? "disk_full" : "disk_has_room",
      {{"free_bytes", free}, {"wanted_bytes", limits_.min_free_bytes}});
  queued_.notify_all();
}

void Jobs::RemoveExpired() {
  if (limits_.keep_days <= 0 && limits_.keep_bytes <= 0) return;
  int64_t bytes = store_.FinishedBytes();
  const auto keep = static_cast<int64_t>(limits_.keep_days * 86'400'000);
  for (const Job& job : store_.Finished()) {
    const bool old = keep > 0 && NowMilliseconds() - job.completed > keep;
    const bool beyond = limits_.keep_bytes > 0 && bytes > limits_.keep_bytes;
    if (!old && !beyond) continue;
    Log("info", "job_expired", {{"id", job.id}, {"bytes", job.bytes}});
    store_.Remove(job.id);
    files_.Remove(job.id);
    bytes -= job.bytes;
  }
}

void Jobs::UpdateMetrics() const {
  for (const JobStatus status :
       {JobStatus::kQueued, JobStatus::kInProgress, JobStatus::kCompleted, JobStatus::kFailed}) {
    metrics_.Set("t3_jobs", {{"status", std::string(StatusName(status))}},
                 static_cast<double>(store_.Count(status)));
  }
  metrics_.Set("t3_queue_capacity", {}, static_cast<double>(limits_.max_queue));
  metrics_.Set("t3_disk_free_bytes", {}, static_cast<double>(files_.FreeBytes()));
  metrics_.Set("t3_data_bytes", {}, static_cast<double>(store_.FinishedBytes()));
}

}  // namespace t3::serve
