// Jobs as JSON.
#include "serve/job.h"

#include <array>
#include <chrono>

#include "base/json.h"

namespace t3::serve {
namespace {

// Calls visit(name, member) for everything in the body.
template <typename AnyJob, typename Visit>
void VisitBody(AnyJob& job, Visit visit) {
  visit("prompt", job.prompt);
  visit("settings", job.settings);
  visit("options", job.options);
  visit("loras", job.loras);
  visit("own_loras", job.own_loras);
  visit("seconds", job.seconds);
  visit("input", job.input);
  visit("input_file", job.input_file);
  visit("source_video", job.source_video);
  visit("width", job.width);
  visit("height", job.height);
  visit("frames", job.frames);
  visit("fps", job.fps);
  visit("seed", job.seed);
  visit("progress", job.progress);
  visit("resumed", job.resumed);
  visit("crashes", job.crashes);
  visit("step", job.step);
  visit("bytes", job.bytes);
  visit("notes", job.notes);
  visit("stages", job.stages);
  visit("steps", job.steps);
  visit("expected_seconds", job.expected_seconds);
  visit("error_code", job.error_code);
  visit("error_message", job.error_message);
}

}  // namespace

std::string_view StatusName(JobStatus status) {
  constexpr std::array<std::string_view, 4> kNames{"queued", "in_progress", "completed", "failed"};
  return kNames.at(static_cast<size_t>(status));
}

bool IsFinished(JobStatus status) {
  return status == JobStatus::kCompleted || status == JobStatus::kFailed;
}

std::string JobBody(const Job& job) {
  nlohmann::ordered_json body;
  VisitBody(job, [&](const char* name, const auto& member) { body[name] = member; });
  return DumpJson(body);
}

void ReadJobBody(const std::string& body, Job* job) {
  const nlohmann::ordered_json object = ParseOrderedJson(body, "a job in the database", kLongLists);
  VisitBody(*job, [&](const char* name, auto& member) {
    if (object.contains(name)) object.at(name).get_to(member);
  });
}

int64_t NowMilliseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace t3::serve
