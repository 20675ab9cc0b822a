// Jobs from submission to removal.
#include "serve/jobs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/text.h"
#include "serve/api_error.h"
#include "serve/server_log.h"
#include "serve/video_object.h"

namespace t3::serve {
namespace {

using nlohmann::ordered_json;

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
                   fmt::format("{} of yours {} waiting, which is the limit",
                               Counted(waiting, "job"), waiting == 1 ? "is" : "are"))
        .RetryAfter(30);
  }
  if (queue_.size() + reserved >= limits_.max_queue) {
    throw ApiError(503, "queue_full",
                   fmt::format("the queue is full: it holds {}", Counted(limits_.max_queue, "job")))
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
