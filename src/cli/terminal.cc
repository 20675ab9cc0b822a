// Drawing progress.
#include "cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace t3 {
namespace {

constexpr std::chrono::milliseconds kLiveInterval{100};
constexpr std::chrono::seconds kPlainInterval{10};

std::string Describe(const ProgressEvent& event) {
  std::string line = event.stage;
  if (event.total > 1) line += fmt::format("  {}/{}", event.done, event.total);
  line += fmt::format("  {}", FormatSeconds(event.seconds));
  if (event.seconds_left >= 0 && event.done < event.total) {
    line += fmt::format("  {} left", FormatSeconds(event.seconds_left));
  }
  if (!event.detail.empty()) line += "  " + event.detail;
  return line;
}

}  // namespace

std::string FormatSeconds(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const long whole = static_cast<long>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

Terminal::Terminal() : live_(::isatty(STDERR_FILENO) == 1) {}

Terminal::~Terminal() { EndLine(); }

ProgressFn Terminal::Progress() {
  return [this](const ProgressEvent& event) { Show(event); };
}

void Terminal::EndLine() {
  if (open_) std::fputs("\n", stderr);
  open_ = false;
}

void Terminal::Show(const ProgressEvent& event) {
  const auto now = std::chrono::steady_clock::now();
  const bool new_stage = event.stage != stage_ || event.done == 0;
  const bool finished = event.total > 0 && event.done >= event.total;
  const bool due = live_ ? now - last_ >= kLiveInterval : now - last_ >= kPlainInterval;
  if (!new_stage && !finished && !due) return;
  if (new_stage) EndLine();
  stage_ = event.stage;
  last_ = now;
  if (live_) {
    fmt::print(stderr, "\r\x1b[K{}", Describe(event));
    open_ = true;
    if (finished) EndLine();
  } else {
    fmt::print(stderr, "{}\n", Describe(event));
  }
  std::fflush(stderr);
}

}  // namespace t3
