// Reads and appends the log.
#include "training/loop/train_log.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

std::string ToLogLine(const LogEntry& e) {
  ordered_json line{{"step", e.step},
                    {"loss", e.loss},
                    {"gradient_norm", e.gradient_norm},
                    {"lr", e.lr},
                    {"samples_per_second", e.samples_per_second},
                    {"memory", e.memory},
                    {"seconds_left", e.seconds_left}};
  if (e.validation_loss) line["validation_loss"] = *e.validation_loss;
  for (const auto& [name, value] : e.values) line[name] = value;
  return line.dump() + "\n";
}

// The fields of a line that are in LogEntry itself.
bool IsOwnField(const std::string& name) {
  static const nlohmann::json own = nlohmann::json::parse(ToLogLine({.validation_loss = 0}));
  return own.contains(name);
}

// nullopt for a line that is not a complete entry.
std::optional<LogEntry> FromLogLine(const std::string& line) {
  try {
    const auto object = ParseJson(line, "a line of the log");
    LogEntry entry{object.at("step"),
                   object.at("loss"),
                   object.at("gradient_norm"),
                   object.at("lr"),
                   object.at("samples_per_second"),
                   object.at("memory"),
                   object.at("seconds_left")};
    const auto validation = object.find("validation_loss");
    if (validation != object.end()) entry.validation_loss = validation->get<double>();
    for (const auto& [name, value] : object.items()) {
      if (!IsOwnField(name)) entry.values[name] = value.get<double>();
    }
    return entry;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace

TrainLog::TrainLog(const std::string& output, int64_t step)
    : path_((std::filesystem::path(output) / "log.jsonl").string()) {
  std::ifstream old(path_);
  std::string before;
  for (std::string line; std::getline(old, line);) {
    before += line + "\n";
    const auto entry = FromLogLine(line);
    if (entry && entry->step <= step) entries_.push_back(*entry);
  }
  old.close();
  const std::string text = Text();
  if (text != before || text.empty()) WriteAtomically(path_, text);
  OpenToAppend();
  T3_CHECK(file_.good(), "cannot write {}", path_);
}

std::string TrainLog::Text() const {
  std::string text;
  for (const LogEntry& entry : entries_) text += ToLogLine(entry);
  return text;
}

void TrainLog::OpenToAppend() { file_ = std::ofstream(path_, std::ios::app); }

void TrainLog::Add(const LogEntry& entry) {
  entries_.push_back(entry);
  if (file_.good()) file_ << ToLogLine(entry) << std::flush;
  if (file_.good()) return;
  try {
    WriteAtomically(path_, Text());
    OpenToAppend();
  } catch (const Error& error) {
    if (!warned_) spdlog::warn("the log stops at step {}: {}", entry.step - 1, error.what());
    warned_ = true;
  }
}

}  // namespace t3
