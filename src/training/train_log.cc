// Reading and appending the log.
#include "training/train_log.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/check.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

ordered_json ToLogLine(const LogEntry& e) {
  return {{"step", e.step},
          {"loss", e.loss},
          {"gradient_norm", e.gradient_norm},
          {"lr", e.lr},
          {"samples_per_second", e.samples_per_second},
          {"memory", e.memory},
          {"seconds_left", e.seconds_left}};
}

// False for a line that is not whole.
bool FromLogLine(const std::string& line, LogEntry* e) {
  try {
    const auto object = nlohmann::json::parse(line);
    *e = {object.at("step"),
          object.at("loss"),
          object.at("gradient_norm"),
          object.at("lr"),
          object.at("samples_per_second"),
          object.at("memory"),
          object.at("seconds_left")};
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

}  // namespace

TrainLog::TrainLog(const std::string& output, int64_t step)
    : path_((std::filesystem::path(output) / "log.jsonl").string()) {
  std::ifstream old(path_);
  for (std::string line; std::getline(old, line);) {
    LogEntry entry;
    if (FromLogLine(line, &entry) && entry.step <= step) entries_.push_back(entry);
  }
  old.close();
  file_.open(path_, std::ios::trunc);
  for (const LogEntry& entry : entries_) file_ << ToLogLine(entry).dump() << "\n";
  file_.flush();
  T3_CHECK(file_.good(), "cannot write {}", path_);
}

void TrainLog::Add(const LogEntry& entry) {
  entries_.push_back(entry);
  file_ << ToLogLine(entry).dump() << "\n" << std::flush;
  T3_CHECK(file_.good(), "cannot write {}; is the disk full?", path_);
}

}  // namespace t3
