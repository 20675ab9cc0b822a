// One worker: a process that is started again when it ends, and the jobs that it runs.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "serve/job_files.h"
#include "serve/jobs.h"
#include "serve/metrics.h"
#include "serve/worker_process.h"

namespace t3::serve {

struct WorkerSettings {
  std::string program;          // the file of this program
  nlohmann::ordered_json open;  // the first message: model, device and other options
  std::string loras;            // folder; empty: none
};

class WorkerSlot {
 public:
  WorkerSlot(int index, WorkerSettings settings, const JobFiles& files, Jobs& jobs,
             Metrics& metrics);
  // Stops the process, which saves the state of its job.
  ~WorkerSlot();
  WorkerSlot(const WorkerSlot&) = delete;
  WorkerSlot& operator=(const WorkerSlot&) = delete;

  // Asks the process to stop; the destructor waits for it.
  void Stop();
  // Ends the job after its current step where it still runs.
  void Cancel(const std::string& id);
  // Why the very first process ended before it was ready: a wrong model or device, which starting
  // it again does not fix. Empty: it did not.
  std::string StartFailure() const;
  // What the process said of its model when it was ready; null before.
  nlohmann::ordered_json Ready() const;
  // The answer to a message {"do": "plan", ...}, whose "loras" have names; none where the process
  // is not ready or does not answer in time.
  std::optional<nlohmann::ordered_json> Plan(nlohmann::ordered_json message,
                                             std::chrono::milliseconds timeout);

 private:
  void Run();
  void RunProcess();
  void ReadMessages(WorkerProcess& process);
  void Handle(const nlohmann::ordered_json& message);
  void RunJobs(WorkerProcess& process);
  bool WaitUntilReady();
  nlohmann::ordered_json RunMessage(const Job& job) const;
  // [{"name", "scale"}] -> [{"path", "scale"}].
  nlohmann::ordered_json LoraFiles(const nlohmann::ordered_json& named) const;
  void SetReady(nlohmann::ordered_json ready);

  int index_;
  WorkerSettings settings_;
  const JobFiles& files_;
  Jobs& jobs_;
  Metrics& metrics_;
  std::atomic<bool> stopping_{false};  // the server is shutting down
  std::atomic<bool> ended_{false};     // the process has ended

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  WorkerProcess* process_ = nullptr;  // while it runs
  nlohmann::ordered_json ready_;
  std::string last_words_;  // the last line on stderr that is not of the log
  std::string start_failure_;
  std::string job_;                                    // id of the running one; or empty
  std::string cancel_next_;                            // id of one that is cancelled before it runs
  int64_t plans_ = 0;                                  // that were asked for
  std::map<int64_t, nlohmann::ordered_json> answers_;  // by number of the plan; null: not yet

  std::thread thread_;
};

}  // namespace t3::serve
