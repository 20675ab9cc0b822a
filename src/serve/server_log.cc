// JSON lines on stderr.
#include "serve/server_log.h"

#include <fmt/chrono.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>

#include "base/json.h"
#include "base/log.h"
#include "serve/job.h"

namespace t3::serve {
namespace {

std::atomic<int> log_descriptor{STDERR_FILENO};

}  // namespace

void LogTo(int descriptor) { log_descriptor = descriptor; }

void Log(std::string_view level, std::string_view event, const nlohmann::ordered_json& fields) {
  static std::mutex mutex;
  const int64_t now = NowMilliseconds();
  nlohmann::ordered_json line{
      {"time", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(now / 1000), now % 1000)},
      {"level", level},
      {"event", event}};
  line.update(fields);
  const std::string text = DumpJson(line) + "\n";
  const std::lock_guard lock(mutex);
  [[maybe_unused]] const ssize_t written = ::write(log_descriptor, text.data(), text.size());
}

void SendLibraryLogHere() {
  SendLogTo([](const std::string& level, const std::string& text) {
    Log(level, "message", {{"text", text}});
  });
}

}  // namespace t3::serve
