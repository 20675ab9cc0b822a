// The video object.
#include "serve/video_object.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace t3::serve {
namespace {

using nlohmann::ordered_json;

ordered_json SecondsOrNull(int64_t milliseconds) {
  if (milliseconds == 0) return nullptr;
  return milliseconds / 1000;
}

ordered_json TextOrNull(const std::string& text) {
  if (text.empty()) return nullptr;
  return text;
}

ordered_json ExpiryOf(const Job& job, double keep_days) {
  if (!IsFinished(job.status) || keep_days <= 0) return nullptr;
  return job.completed / 1000 + std::llround(keep_days * 86400);
}

ordered_json ErrorOf(const Job& job) {
  if (job.status != JobStatus::kFailed) return nullptr;
  return {{"code", job.error_code}, {"message", job.error_message}};
}

}  // namespace

std::string SecondsText(int64_t frames, double fps) {
  return fmt::format("{:.6g}", static_cast<double>(frames) / fps);
}

ordered_json VideoObject(const Job& job, const LiveState& live, const std::string& model,
                         double keep_days) {
  const bool planned = job.width > 0 && job.fps > 0;
  const bool running = job.status == JobStatus::kInProgress;
  const bool completed = job.status == JobStatus::kCompleted;
  const std::string content = "/v1/videos/" + job.id + "/content";
  const auto when = [](bool known, const ordered_json& value) {
    return known ? value : ordered_json();
  };
  return {{"id", job.id},
          {"object", "video"},
          {"model", model},
          {"status", StatusName(job.status)},
          {"progress", completed ? 100 : job.progress},
          {"created_at", job.created / 1000},
          {"started_at", SecondsOrNull(job.started)},
          {"completed_at", SecondsOrNull(job.completed)},
          {"expires_at", ExpiryOf(job, keep_days)},
          {"prompt", job.prompt},
          {"size", when(planned, fmt::format("{}x{}", job.width, job.height))},
          {"seconds", when(planned, SecondsText(job.frames, job.fps))},
          {"num_frames", when(planned, job.frames)},
          {"fps", when(planned, job.fps)},
          {"seed", job.seed},
          {"settings", job.settings},
          {"input", TextOrNull(job.input)},
          {"remixed_from_video_id", TextOrNull(job.source_video)},
          {"queue_position", when(live.queue_position > 0, live.queue_position)},
          {"stage", when(running, live.stage)},
          {"seconds_left",
           running && live.seconds_left ? ordered_json(*live.seconds_left) : ordered_json()},
          {"resumed", job.resumed},
          {"notes", job.notes},
          {"error", ErrorOf(job)},
          {"url", when(completed, content)},
          {"thumbnail_url", when(completed, content + "?variant=thumbnail")},
          {"preview_url", when(running && live.has_preview, content + "?variant=preview")}};
}

int64_t PollAfterMilliseconds(const Job& job, const LiveState& live) {
  constexpr int64_t kMin = 500, kMax = 10'000;
  if (job.status == JobStatus::kQueued) return std::min(kMax, 1000 * (1 + live.queue_position));
  if (!live.seconds_left) return 1000;
  return std::clamp(static_cast<int64_t>(*live.seconds_left * 100), kMin, kMax);
}

}  // namespace t3::serve
