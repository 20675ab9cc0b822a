// Events to text.
#include "cli/part_log.h"

#include "base/check.h"
#include "base/json.h"
#include "cli/flags.h"
#include "cli/terminal.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

// What its ranks write has their names before it: "rank 1: {...}".
ordered_json EventOf(const std::string& line, std::string& before) {
  const size_t begin = line.find('{');
  if (begin == std::string::npos) return nullptr;
  try {
    ordered_json event = ParseOrderedJson(line.substr(begin), "an event", kLongLists);
    before = line.substr(0, begin);
    return event.contains("event") ? event : ordered_json();
  } catch (const Error&) {
    return nullptr;
  }
}

ProgressEvent ProgressOf(const ordered_json& event) {
  ProgressEvent progress;
  progress.stage = event.at("stage");
  progress.done = event.at("done");
  progress.total = event.at("total");
  progress.unit = event.at("unit");
  progress.seconds = event.at("seconds");
  if (!event.at("seconds_left").is_null()) progress.seconds_left = event["seconds_left"];
  progress.memory_bytes = event.at("memory_bytes");
  return progress;
}

Result::Stage StageOf(const ordered_json& stage) {
  Result::Stage result;
  result.name = stage.at("name");
  result.seconds = stage.at("seconds");
  result.device_peak_bytes = stage.at("device_peak_bytes");
  result.host_peak_bytes = stage.at("host_peak_bytes");
  return result;
}

}  // namespace

void PartLog::Note(const std::string& text, std::vector<std::string>& lines) {
  if (noted_.insert(text).second) lines.push_back("note: " + text);
}

std::vector<std::string> PartLog::Read(const std::string& line) {
  std::string before;
  const ordered_json event = EventOf(line, before);
  if (event.is_null()) return {line};
  try {
    return LinesOf(event, before);
  } catch (const nlohmann::json::exception&) {  // fields of another program's event
    return {line};
  }
}

std::vector<std::string> PartLog::LinesOf(const ordered_json& event, const std::string& before) {
  std::vector<std::string> lines;
  const std::string kind = event.at("event");
  if (kind == "progress" && before.empty()) progress_ = ProgressOf(event);
  if (kind == "note") Note(event.at("text"), lines);
  if (kind == "log") lines.push_back(before + LogText(event.at("level"), event.at("text")));
  if (kind == "error")
    lines.push_back(before + ErrorText(event.at("request"), event.at("message")));
  if (kind == "result") {
    for (const ordered_json& note : event.at("notes")) Note(WithFlags(note), lines);
    for (const ordered_json& stage : event.at("stages")) lines.push_back(StageText(StageOf(stage)));
  }
  return lines;
}

}  // namespace t3
