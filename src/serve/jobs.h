// All jobs: what clients submit, ask for and delete, and what workers take and report.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "serve/event_feed.h"
#include "serve/fair_queue.h"
#include "serve/job.h"
#include "serve/job_files.h"
#include "serve/job_store.h"
#include "serve/limits.h"
#include "serve/live_state.h"
#include "serve/metrics.h"
#include "serve/pace.h"
#include "serve/uploads.h"

namespace t3::serve {

struct JobView {
  Job job;
  LiveState live;
};

struct QueueOutlook {
  int64_t jobs = 0;               // that wait or run
  std::optional<double> seconds;  // until they are done, where that is known of all
};

// For use from several threads.
class Jobs {
 public:
  // Jobs that an earlier server left wait again, the running ones first.
  Jobs(const JobFiles& files, const Limits& limits, const std::string& model, Metrics& metrics);
  // Stores what is not stored yet.
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  // --- clients

  // Stores the job and puts it into the queue; `upload` becomes its input. Throws ApiError beyond a
  // limit and where the disk is full.
  JobView Submit(Job job, Upload* upload);
  // None where the key has no such job.
  std::optional<JobView> Find(const std::string& key, const std::string& id) const;
  struct Page {
    std::vector<JobView> jobs;
    bool has_more = false;
  };
  Page List(const std::string& key, const std::string& after, int64_t limit, bool descending) const;
  // False where the key has no such job. A running one is cancelled.
  bool Delete(const std::string& key, const std::string& id);
  // The events of a job, with at least the event `video`; nullptr where the key has no such job.
  std::shared_ptr<const EventFeed> Watch(const std::string& key, const std::string& id);
  nlohmann::ordered_json Object(const JobView& view) const;
  QueueOutlook Outlook() const;
  const Pace& pace() const { return pace_; }

  // --- workers

  // The next job, waiting for one; none once `stopping`.
  std::optional<Job> TakeNext(int worker, const std::atomic<bool>& stopping);
  // Called with a job that is to be cancelled, from any thread.
  void OnCancel(std::function<void(int worker, const std::string& id)> cancel);
  // A message of the worker about the job that it runs (worker.h).
  void Report(const std::string& id, const nlohmann::ordered_json& message);
  // The worker ended while it ran the job; `how` is for the message of a job that fails for it.
  void WorkerLost(const std::string& id, const std::string& how);

  // --- server

  // Wakes those that wait in TakeNext and ends the event streams.
  void Stop();
  // Removes what is beyond the limits of age and size, and looks at the disk.
  void Tidy();
  void UpdateMetrics() const;

 private:
  struct Running {
    Job job;
    LiveState live;
    std::shared_ptr<EventFeed> feed;
    int worker = 0;
    int64_t saved = 0;  // when the job was stored last
    bool cancelled = false;
  };

  void Recover();
  JobView ViewOf(const Job& job) const;
  std::optional<Job> Stored(const std::string& id) const;
  void CheckLimits(const std::string& key) const;
  std::shared_ptr<EventFeed> FeedOf(const std::string& id);
  void PublishVideo(const Job& job, const LiveState& live);
  void Save(const Job& job);
  void StoreChanges();
  void LookAtDisk();
  void RemoveExpired();
  void Planned(Running& running, const nlohmann::ordered_json& message);
  void Progress(Running& running, const nlohmann::ordered_json& message);
  void Preview(Running& running, const nlohmann::ordered_json& message);
  void Complete(Running& running, const nlohmann::ordered_json& message);
  void Fail(Running& running, const std::string& code, const std::string& message);
  // Back to the front of its queue, or failed after too many times without a step.
  void Requeue(Running& running, const std::string& why);
  void Finish(Running& running);

  JobFiles files_;
  Limits limits_;
  std::string model_;
  Metrics& metrics_;
  JobStore store_;
  Pace pace_;

  // Guards what follows. The store is not called with it for submissions, which wait for the disk.
  mutable std::mutex mutex_;
  std::condition_variable queued_;
  FairQueue queue_;
  std::map<std::string, int64_t> reserved_;  // by key: submissions under way
  std::map<std::string, Running> running_;
  // Changes that the thread below stores: nobody else waits for the disk with the mutex held.
  struct Change {
    Job job;
    int64_t number = 0;
  };
  std::map<std::string, Change> unsaved_;
  int64_t changes_ = 0;
  std::condition_variable changed_;
  std::map<std::string, std::weak_ptr<EventFeed>> feeds_;
  std::map<std::string, double> expected_;  // seconds of waiting jobs
  std::function<void(int, const std::string&)> cancel_;
  bool stopped_ = false;
  bool disk_low_ = false;
  bool closing_ = false;
  std::thread saver_;
};

}  // namespace t3::serve
