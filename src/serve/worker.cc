// The worker's threads: one reads messages, one runs jobs, one answers plans.
#include "serve/worker.h"

#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "base/check.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/write_all.h"
#include "serve/job_run.h"
#include "serve/plan_message.h"
#include "serve/server_log.h"

namespace t3::serve {
namespace {

using nlohmann::ordered_json;

// Messages for one thread.
class Mailbox {
 public:
  void Put(ordered_json message) {
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
    changed_.notify_one();
  }
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_one();
  }
  // None once it is closed, whatever is left.
  std::optional<ordered_json> Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !messages_.empty(); });
    if (closed_) return std::nullopt;
    ordered_json message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ordered_json> messages_;
  bool closed_ = false;
};

// Which jobs are to end.
class Cancellations {
 public:
  std::shared_ptr<CancelToken> Begin(const std::string& id) {
    const std::lock_guard lock(mutex_);
    id_ = id;
    token_ = std::make_shared<CancelToken>();
    if (all_ || ids_.contains(id)) token_->Cancel();
    return token_;
  }
  // The message may come before the job does.
  void Cancel(const std::string& id) {
    const std::lock_guard lock(mutex_);
    ids_.insert(id);
    if (token_ && id_ == id) token_->Cancel();
  }
  void CancelAll() {
    const std::lock_guard lock(mutex_);
    all_ = true;
    if (token_) token_->Cancel();
  }

 private:
  std::mutex mutex_;
  std::string id_;
  std::shared_ptr<CancelToken> token_;
  std::set<std::string> ids_;
  bool all_ = false;
};

void Send(const ordered_json& message) {
  static std::mutex mutex;
  const std::string text = DumpJson(message) + "\n";
  const std::lock_guard lock(mutex);
  WriteAll(STDOUT_FILENO, text);  // else the server is gone, and this process is about to be
}

std::optional<ordered_json> ReadMessage() {
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  return ParseOrderedJson(line, "the server's message", kLongLists);
}

// What the model makes where a request leaves everything open. Returns the device's budget, which
// is what jobs may take: while one runs, less is free.
int64_t SendReady(const OpenedModel& opened) {
  const PlanResult plan = PlanOf(opened, {}, opened.options.memory_limit);
  const ordered_json object = PlanObject(plan, {});
  ordered_json defaults;
  for (const char* name : {"size", "num_frames", "fps", "num_inference_steps", "guidance_scale"})
    defaults[name] = object.at(name);
  defaults["draft"] = object.at("draft");
  constexpr int64_t kChannelsWithImage = 48;  // of Wan2.2-TI2V
  Send({{"event", "ready"},
        {"device", plan.device},
        {"image_to_video", plan.video.latent_channels == kChannelsWithImage},
        {"defaults", defaults}});
  return plan.memory.device_budget;
}

ordered_json AnswerPlan(const ordered_json& message, const OpenedModel& opened, int64_t budget) {
  ordered_json answer{{"event", "plan"}, {"number", message.at("number")}};
  try {
    Request request;
    SetOptions(message.at("options"), request);
    if (const double seconds = message.at("seconds"); seconds > 0) {
      const double fps = request.output.fps.value_or(PlanOf(opened, {}, 0).video.fps);
      request.params.frames = FramesOfSeconds(seconds, fps);
    }
    constexpr double kUsualStrength = 0.4;
    if (message.at("video").get<bool>() && !request.params.strength)
      request.params.strength = kUsualStrength;
    const RequestLoras loras{message.at("own_loras"), ReadLoras(message.at("loras"))};
    const OpenedModel model{FilesWith(opened, loras), opened.options};
    answer["plan"] = PlanObject(PlanOf(model, request, budget), request);
  } catch (...) {
    answer["message"] = CurrentError().what();
  }
  return answer;
}

// Where the library puts what has no room beside the output.
void EnterScratch(const std::string& folder) {
  T3_CHECK(::chdir(folder.c_str()) == 0, "{} cannot be entered", folder);
  ::setenv("TMPDIR", folder.c_str(), 1);
}

void RunJobs(Mailbox& jobs, Cancellations& cancellations, const OpenedModel& opened) {
  EngineHolder engines(opened);
  while (const std::optional<ordered_json> message = jobs.Take()) {
    const auto token = cancellations.Begin(message->at("id"));
    if (token->cancelled()) {
      Send({{"event", "stopped"}, {"id", message->at("id")}});
      continue;
    }
    // Nothing but the end of the process frees a device that failed.
    if (!RunJob(*message, engines, *token, Send)) ::_exit(1);
  }
}

}  // namespace

int RunWorker() {
  // Signals of the terminal or the service manager are for the server, which closes stdin.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_IGN);
  SendLibraryLogHere();
  const std::optional<ordered_json> open = ReadMessage();
  if (!open) return 0;
  EnterScratch(open->at("scratch"));
  const OpenedModel opened = ReadOpenMessage(*open);
  const int64_t budget = SendReady(opened);
  Mailbox jobs, plans;
  Cancellations cancellations;
  std::thread planner([&] {
    while (const std::optional<ordered_json> message = plans.Take())
      Send(AnswerPlan(*message, opened, budget));
  });
  std::thread reader([&] {
    while (const std::optional<ordered_json> message = ReadMessage()) {
      const std::string what = message->at("do");
      if (what == "run") jobs.Put(*message);
      if (what == "plan") plans.Put(*message);
      if (what == "cancel") cancellations.Cancel(message->at("id"));
    }
    cancellations.CancelAll();
    jobs.Close();
    plans.Close();
  });
  RunJobs(jobs, cancellations, opened);
  reader.join();
  planner.join();
  return 0;
}

}  // namespace t3::serve
