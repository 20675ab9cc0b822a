// Progress and messages, for people and for programs.
#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "base/nearest.h"
#include "base/text.h"
#include "cli/flags.h"
#include "cli/streams.h"
#include "t3video/run.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::milliseconds kLiveInterval{100};
constexpr std::chrono::seconds kPlainInterval{10};

// The style of the last Terminal, for errors that reach main().
bool json_errors = false;

void PrintJson(const ordered_json& event) { WriteLog(DumpJson(event) + "\n"); }

// For people: what files and prompts contain must not drive the terminal.
void PrintLine(const std::string& text) { WriteLog(Printable(text) + "\n"); }

// Columns of the terminal that stderr is; 0 where it is none.
size_t TerminalColumns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// "3.4 steps/s", or "2.5 s/step" where that is the larger number.
std::string Rate(const ProgressEvent& event) {
  if (event.unit.empty() || event.done <= 0 || event.seconds <= 0 || event.seconds_left < 0)
    return "";
  const double left = static_cast<double>(event.total - event.done);
  const double rate = left > 0 && event.seconds_left > 0
                          ? left / event.seconds_left
                          : static_cast<double>(event.done) / event.seconds;
  if (event.unit == "bytes") return fmt::format("{}/s", FormatBytes(static_cast<int64_t>(rate)));
  if (rate >= 1) return fmt::format("{:.1f} {}/s", rate, event.unit);
  return fmt::format("{:.3g} s/{}", 1 / rate, event.unit.substr(0, event.unit.size() - 1));
}

std::string Count(const ProgressEvent& event) {
  if (event.total <= 1) return "";
  if (event.unit == "bytes")
    return fmt::format("{} of {}", FormatBytes(event.done), FormatBytes(event.total));
  return fmt::format("{}/{}{}", event.done, event.total,
                     event.unit.empty() ? "" : " " + event.unit);
}

std::string Describe(const ProgressEvent& event) {
  std::string line = event.stage;
  const bool finished = event.done >= event.total;
  const std::array<std::string, 5> parts{
      Count(event), FormatSeconds(event.seconds), Rate(event),
      event.seconds_left >= 0 && !finished ? FormatSeconds(event.seconds_left) + " left" : "",
      event.memory_bytes > 0 ? FormatBytes(event.memory_bytes) : ""};
  for (const std::string& part : parts) {
    if (!part.empty()) line += "  " + part;
  }
  if (!event.detail.empty()) line += "  " + event.detail;
  return line;
}

ordered_json ToJson(const ProgressEvent& event) {
  ordered_json json{{"event", "progress"},     {"stage", event.stage},
                    {"done", event.done},      {"total", event.total},
                    {"unit", event.unit},      {"seconds", event.seconds},
                    {"seconds_left", nullptr}, {"memory_bytes", event.memory_bytes}};
  if (event.seconds_left >= 0) json["seconds_left"] = event.seconds_left;
  return json;
}

ordered_json ToJson(const Result& result) {
  return {{"event", "result"},
          {"output", result.output},
          {"width", result.width},
          {"height", result.height},
          {"frames", result.frames},
          {"skipped", result.skipped},
          {"resumed_from_step", result.resumed_from},
          {"stages", ParseOrderedJson(StagesJson(result.stages), "the stages", kLongLists)},
          {"notes", result.notes}};
}

void PrintLog(const std::string& level, const std::string& library_text) {
  const std::string text = WithFlags(library_text);
  if (json_errors) return PrintJson({{"event", "log"}, {"level", level}, {"text", text}});
  PrintLine(LogText(level, text));
}

}  // namespace

std::string LogText(const std::string& level, const std::string& text) {
  return fmt::format("t3: {}: {}", level, text);
}

std::string ErrorText(const std::string& label, const std::string& message) {
  return fmt::format("t3: error: {}{}", label.empty() ? "" : label + ": ", message);
}

std::string StageText(const Result::Stage& stage) {
  std::string memory;
  if (stage.device_peak_bytes > 0) memory += ", GPU " + FormatBytes(stage.device_peak_bytes);
  if (stage.host_peak_bytes > 0) memory += ", host " + FormatBytes(stage.host_peak_bytes);
  return fmt::format("  {}: {}{}", stage.name, FormatSeconds(stage.seconds),
                     memory.empty() ? "" : "; peak" + memory.substr(1));
}

std::string FormatSeconds(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const long whole = static_cast<long>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

ProgressStyle ParseProgressStyle(const std::string& name) {
  if (name == "auto") {
    return ::isatty(STDERR_FILENO) == 1 ? ProgressStyle::kLive : ProgressStyle::kPlain;
  }
  if (name == "live") return ProgressStyle::kLive;
  if (name == "plain") return ProgressStyle::kPlain;
  if (name == "json") return ProgressStyle::kJson;
  if (name == "none") return ProgressStyle::kNone;
  const std::array<std::string, 5> names{"auto", "live", "plain", "json", "none"};
  FailUsage("--progress {}: wanted auto, live, plain, json or none{}", name,
            DidYouMean(name, names));
}

Terminal::Terminal(ProgressStyle style) : style_(style) {
  json_errors = style == ProgressStyle::kJson;
  SendLogTo([this](const std::string& level, const std::string& text) {
    EndLine();
    PrintLog(level, text);
  });
}

Terminal::~Terminal() {
  EndLine();
  SendLogTo(PrintLog);
}

ProgressFn Terminal::Progress() {
  return [this](const ProgressEvent& event) { Show(event); };
}

void Terminal::EndLine() {
  if (live_columns_ > 0) WriteLog("\n");
  live_columns_ = 0;
}

void Terminal::Note(const std::string& text) {
  if (!noted_.insert(text).second) return;
  EndLine();
  const std::string note = WithFlags(text);
  if (style_ == ProgressStyle::kJson) return PrintJson({{"event", "note"}, {"text", note}});
  PrintLine("note: " + note);
}

void Terminal::Announce(const std::string& text, const std::string& json) {
  EndLine();
  if (style_ == ProgressStyle::kJson) {
    ordered_json event{{"event", "plan"}};
    event.update(ParseOrderedJson(json, "the plan", kLongLists));
    return PrintJson(event);
  }
  if (style_ != ProgressStyle::kNone) WriteLog(Printable(text));
}

void Terminal::Finished(const Result& result) {
  EndLine();
  if (style_ == ProgressStyle::kJson) return PrintJson(ToJson(result));
  for (const std::string& note : result.notes) Note(note);
  for (const Result::Stage& stage : result.stages) PrintLine(StageText(stage));
}

void Terminal::Failed(const std::string& label, const std::string& library_message) {
  EndLine();
  const std::string message = WithFlags(library_message);
  if (style_ == ProgressStyle::kJson)
    return PrintJson({{"event", "error"}, {"request", label}, {"message", message}});
  PrintLine(ErrorText(label, message));
}

void Terminal::Show(const ProgressEvent& event) {
  if (style_ == ProgressStyle::kNone) return;
  const bool new_stage = event.stage != stage_ || event.done == 0;
  const bool finished = event.total > 0 && event.done >= event.total;
  const auto now = std::chrono::steady_clock::now();
  const auto interval = style_ == ProgressStyle::kPlain ? kPlainInterval : kLiveInterval;
  if (!new_stage && !finished && now - last_ < interval) return;
  if (new_stage) EndLine();
  stage_ = event.stage;
  last_ = now;
  if (style_ == ProgressStyle::kJson) return PrintJson(ToJson(event));
  ShowLine(event);
  if (finished) EndLine();
}

void Terminal::ShowLine(const ProgressEvent& event) {
  if (style_ != ProgressStyle::kLive) return PrintLine(Describe(event));
  const size_t columns = TerminalColumns();
  // A terminal that has become narrower has wrapped the old line, which cannot be drawn over.
  if (columns > 0 && live_columns_ > columns) EndLine();
  const std::string line = Printable(Describe(event));
  // The last column stays free: some terminals begin a new line once it is written.
  WriteLog("\r\x1b[K" + (columns > 1 ? CutToColumns(line, columns - 1) : line));
  live_columns_ = std::max<size_t>(columns, 1);
}

void PrintFatal(const std::string& library_message) {
  const std::string message = WithFlags(library_message);
  if (json_errors) return PrintJson({{"event", "error"}, {"request", ""}, {"message", message}});
  PrintLine(ErrorText("", message));
}

}  // namespace t3
