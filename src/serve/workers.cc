// The set of workers.
#include "serve/workers.h"

#include "base/json.h"
#include "serve/api_error.h"
#include "serve/request_fields.h"

namespace t3::serve {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::milliseconds kPlanTimeout{10'000};
constexpr size_t kMaxAnswers = 512;

}  // namespace

Workers::Workers(const std::vector<WorkerSettings>& settings, const JobFiles& files, Jobs& jobs,
                 Metrics& metrics) {
  for (size_t i = 0; i < settings.size(); ++i) {
    slots_.push_back(
        std::make_unique<WorkerSlot>(static_cast<int>(i), settings[i], files, jobs, metrics));
  }
  jobs.OnCancel([this](int worker, const std::string& id) {
    slots_.at(static_cast<size_t>(worker))->Cancel(id);
  });
}

ordered_json Workers::Ready() const {
  for (const auto& slot : slots_)
    if (ordered_json ready = slot->Ready(); !ready.is_null()) return ready;
  return nullptr;
}

std::string Workers::StartFailure() const {
  for (const auto& slot : slots_)
    if (std::string failure = slot->StartFailure(); !failure.empty()) return failure;
  return "";
}

ordered_json Workers::Ask(const ordered_json& message) {
  const std::string text = DumpJson(message);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = answers_.find(text); found != answers_.end()) return found->second;
  }
  for (const auto& slot : slots_) {
    const std::optional<ordered_json> answer = slot->Plan(message, kPlanTimeout);
    if (!answer) continue;
    const std::lock_guard lock(mutex_);
    if (answers_.size() >= kMaxAnswers) answers_.clear();
    return answers_[text] = *answer;
  }
  throw ApiError(503, "not_ready", "no worker is ready to plan").RetryAfter(2);
}

ordered_json Workers::Plan(const FieldValues& values, const ordered_json& loras, bool with_video) {
  ordered_json options = ordered_json::object();
  for (const auto& [name, text] : values.options)
    if (name != "prompt" && name != "negative-prompt" && name != "seed") options[name] = text;
  const ordered_json answer = Ask({{"do", "plan"},
                                   {"options", options},
                                   {"own_loras", values.own_loras},
                                   {"loras", loras},
                                   {"seconds", values.seconds},
                                   {"video", with_video}});
  if (answer.contains("message")) {
    throw ApiError(400, "cannot_be_made", WithFieldNames(answer.at("message").get<std::string>()));
  }
  return answer.at("plan");
}

void Workers::Stop() {
  for (const auto& slot : slots_) slot->Stop();
}

}  // namespace t3::serve
