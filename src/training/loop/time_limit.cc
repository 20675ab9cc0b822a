// Measures and remembers.
#include "training/loop/time_limit.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/seconds_since.h"

namespace t3 {
namespace {

constexpr double kMargin = 1.2;  // times vary

}  // namespace

TimeLimit::TimeLimit(const std::string& output, Clock::time_point started, double seconds)
    : path_((std::filesystem::path(output) / "timing.json").string()),
      started_(started),
      seconds_(seconds) {
  std::error_code ignored;
  if (seconds_ <= 0 || !std::filesystem::exists(path_, ignored)) return;
  try {
    longest_ = ReadJson(path_).get<std::map<std::string, double>>();
  } catch (const std::exception&) {
    longest_.clear();  // the times of this call will do
  }
}

void TimeLimit::Record(const std::string& kind, Clock::time_point begin) {
  longest_[kind] = std::max(longest_[kind], SecondsSince(begin));
}

bool TimeLimit::Passes(const std::vector<std::string>& kinds) const {
  if (seconds_ <= 0) return false;
  double needed = 0;
  for (const std::string& kind : kinds) {
    const auto found = longest_.find(kind);
    if (found != longest_.end()) needed += kMargin * found->second;
  }
  return SecondsSince(started_) + needed >= seconds_;
}

void TimeLimit::Save() const {
  if (seconds_ <= 0) return;
  try {
    WriteAtomically(path_, nlohmann::json(longest_).dump(2) + "\n");
  } catch (const std::exception& error) {
    spdlog::debug("{}", error.what());
  }
}

}  // namespace t3
