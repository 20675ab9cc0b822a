// Supervision of a worker's process.
#include "serve/worker_slot.h"

#include <algorithm>

#include "base/check.h"
#include "base/failure.h"
#include "base/json.h"
#include "serve/server_log.h"

namespace t3::serve {
namespace {

using nlohmann::ordered_json;
using std::chrono::milliseconds;

// A step may take that long, after which the state is saved.
constexpr double kStopSeconds = 60;
constexpr milliseconds kMinPause{500}, kMaxPause{30'000};

std::string Name(int index) { return fmt::format("{}", index); }

void SendCancel(WorkerProcess& process, const std::string& id) {
  process.Send(DumpJson({{"do", "cancel"}, {"id", id}}));
}

}  // namespace

WorkerSlot::WorkerSlot(int index, WorkerSettings settings, const JobFiles& files, Jobs& jobs,
                       Metrics& metrics)
    : index_(index),
      settings_(std::move(settings)),
      files_(files),
      jobs_(jobs),
      metrics_(metrics),
      thread_([this] { Run(); }) {}

WorkerSlot::~WorkerSlot() {
  Stop();
  thread_.join();
}

void WorkerSlot::Stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  if (process_ != nullptr) process_->CloseInput();
  changed_.notify_all();
}

// Restarts the process, after longer and longer pauses where it ends before it was ready.
void WorkerSlot::Run() {
  milliseconds pause = kMinPause;
  for (bool first = true; !stopping_; first = false) {
    if (!first) metrics_.Add("t3_worker_restarts_total", {{"worker", Name(index_)}});
    try {
      RunProcess();
    } catch (...) {
      Log("error", "worker", {{"worker", index_}, {"text", CurrentError().what()}});
    }
    std::unique_lock lock(mutex_);
    if (first && ready_.is_null() && !stopping_)
      start_failure_ = last_words_.empty() ? "its log has the reason" : last_words_;
    pause = ready_.is_null() ? std::min(2 * pause, kMaxPause) : kMinPause;
    ready_ = nullptr;
    changed_.wait_for(lock, pause, [&] { return stopping_.load(); });
  }
}

void WorkerSlot::RunProcess() {
  WorkerProcess process(settings_.program, {"serve-worker"});
  ended_ = false;
  ordered_json open = settings_.open;
  open["scratch"] = files_.EmptyScratch(index_);
  process.Send(DumpJson(open));
  {
    const std::lock_guard lock(mutex_);
    process_ = &process;
    if (stopping_) process.CloseInput();
  }
  std::thread reader([&] { ReadMessages(process); });
  if (WaitUntilReady()) RunJobs(process);
  // What ended the jobs: a shutdown, or the end of the process.
  process.CloseInput();
  std::string how;
  if (!ended_) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::duration<double>(kStopSeconds),
                      [&] { return ended_.load(); });
  }
  how = process.Wait(0.5);
  reader.join();
  std::string job;
  {
    const std::lock_guard lock(mutex_);
    process_ = nullptr;
    job = std::exchange(job_, "");
  }
  metrics_.Set("t3_worker_up", {{"worker", Name(index_)}}, 0);
  Log(stopping_ ? "info" : "error", "worker_ended", {{"worker", index_}, {"text", how}});
  if (!job.empty()) jobs_.WorkerLost(job, how);
}

bool WorkerSlot::WaitUntilReady() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !ready_.is_null() || ended_ || stopping_; });
  return !ready_.is_null() && !ended_ && !stopping_;
}

void WorkerSlot::ReadMessages(WorkerProcess& process) {
  while (const std::optional<WorkerProcess::Line> line = process.ReadLine()) {
    try {
      if (line->is_error && !line->text.starts_with("{\"time\"")) {
        Log("warning", "worker_output", {{"worker", index_}, {"text", line->text}});
        const std::lock_guard lock(mutex_);
        constexpr std::string_view kErrorPrefix = "t3: error: ";
        last_words_ =
            line->text.substr(line->text.starts_with(kErrorPrefix) ? kErrorPrefix.size() : 0);
      } else if (line->is_error) {
        ordered_json entry = ParseOrderedJson(line->text, "the worker's log");
        Log(entry.value("level", "info"), entry.value("event", "message"),
            {{"worker", index_}, {"text", entry.value("text", "")}});
      } else {
        Handle(ParseOrderedJson(line->text, "the worker's message", kLongLists));
      }
    } catch (...) {
      Log("error", "worker", {{"worker", index_}, {"text", CurrentError().what()}});
    }
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void WorkerSlot::Handle(const ordered_json& message) {
  const std::string event = message.value("event", "");
  if (event == "ready") return SetReady(message);
  if (event == "plan") {
    const std::lock_guard lock(mutex_);
    const auto asked = answers_.find(message.at("number"));
    if (asked != answers_.end()) asked->second = message;  // else nobody waits any more
    changed_.notify_all();
    return;
  }
  const std::string id = message.value("id", "");
  jobs_.Report(id, message);
  if (event != "completed" && event != "failed" && event != "stopped") return;
  const std::lock_guard lock(mutex_);
  job_.clear();
  changed_.notify_all();
}

void WorkerSlot::SetReady(ordered_json ready) {
  metrics_.Set("t3_worker_up", {{"worker", Name(index_)}}, 1);
  Log("info", "worker_ready", {{"worker", index_}, {"device", ready.value("device", "")}});
  const std::lock_guard lock(mutex_);
  ready_ = std::move(ready);
  changed_.notify_all();
}

void WorkerSlot::RunJobs(WorkerProcess& process) {
  for (;;) {
    // Also wakes each second to see that the process has ended.
    const std::optional<Job> job = jobs_.TakeNext(index_, ended_);
    if (!job) return;
    std::unique_lock lock(mutex_);
    job_ = job->id;
    process.Send(DumpJson(RunMessage(*job)));
    if (std::exchange(cancel_next_, "") == job_) SendCancel(process, job_);
    changed_.wait(lock, [&] { return job_.empty() || ended_ || stopping_; });
    if (ended_ || stopping_) return;
    lock.unlock();
    files_.EmptyScratch(index_);
  }
}

ordered_json WorkerSlot::LoraFiles(const ordered_json& named) const {
  ordered_json files = ordered_json::array();
  for (const auto& lora : named) {
    files.push_back(
        {{"path", settings_.loras + "/" + lora.at("name").get<std::string>() + ".safetensors"},
         {"scale", lora.at("scale")}});
  }
  return files;
}

ordered_json WorkerSlot::RunMessage(const Job& job) const {
  const std::string folder = files_.Folder(job.id);
  const std::string input = job.input_file.empty() ? "" : folder + "/" + job.input_file;
  return {{"do", "run"},
          {"id", job.id},
          {"prompt", job.prompt},
          {"options", job.options},
          {"seconds", job.seconds},
          {"seed", job.seed},
          {"own_loras", job.own_loras},
          {"loras", LoraFiles(job.loras)},
          {"image", job.input == "image" ? input : ""},
          {"video", job.input == "video" ? input : ""},
          {"output", files_.Video(job.id)},
          {"preview", files_.Preview(job.id)},
          {"thumbnail", files_.Thumbnail(job.id)},
          {"record", files_.Record(job.id)}};
}

void WorkerSlot::Cancel(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (job_ != id) {  // taken, but not yet sent
    cancel_next_ = id;
  } else if (process_ != nullptr) {
    SendCancel(*process_, id);
  }
}

std::string WorkerSlot::StartFailure() const {
  const std::lock_guard lock(mutex_);
  return start_failure_;
}

ordered_json WorkerSlot::Ready() const {
  const std::lock_guard lock(mutex_);
  return ready_;
}

std::optional<ordered_json> WorkerSlot::Plan(ordered_json message, milliseconds timeout) {
  std::unique_lock lock(mutex_);
  if (ready_.is_null() || process_ == nullptr) return std::nullopt;
  const int64_t number = ++plans_;
  message["number"] = number;
  message["loras"] = LoraFiles(message.at("loras"));
  answers_[number] = nullptr;
  const auto answered = [&] { return ended_ || !answers_[number].is_null(); };
  if (process_->Send(DumpJson(message))) changed_.wait_for(lock, timeout, answered);
  const ordered_json answer = std::move(answers_[number]);
  answers_.erase(number);
  return answer.is_null() ? std::nullopt : std::optional(answer);
}

}  // namespace t3::serve
