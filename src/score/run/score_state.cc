// Lines {"group": key, "values": {}} and {"clip": key, ...} after a first line that names the
// format.
#include "score/run/score_state.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/base64.h"
#include "base/check.h"
#include "base/json.h"
#include "base/read_text.h"

namespace t3 {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
constexpr const char* kFirstLine = R"({"format": "t3video score state", "version": 1})";

// Or absent.
bool IsEmpty(const std::string& path) {
  std::error_code absent;
  const auto bytes = std::filesystem::file_size(path, absent);
  return absent || bytes == 0;
}

}  // namespace

ScoreState::ScoreState(const std::string& path) : path_(path) {
  if (path_.empty()) return;
  lock_ = std::make_unique<OutputLock>(path_);
  if (IsEmpty(path_)) {
    Append(kFirstLine);
  } else {
    Read();
  }
}

void ScoreState::Read() {
  std::istringstream text(ReadText(path_));
  std::string line;
  T3_CHECK(std::getline(text, line) && line == kFirstLine,
           "{} exists and is not the state of a score; name another file", path_);
  while (std::getline(text, line)) {
    try {
      const json entry = ParseJson(line, "the state");
      if (entry.contains("group")) {
        groups_[entry.at("group")] = {entry.at("values").get<std::map<std::string, double>>(),
                                      entry.value("gap", "")};
      } else {
        clips_[entry.at("clip")] = {entry.at("width"), entry.at("height"), entry.at("frames"),
                                    entry.at("fps"),
                                    FromBase64(entry.at("thumbnail").get<std::string>())};
      }
    } catch (const std::exception&) {
      continue;  // the end of a run that was killed
    }
  }
}

void ScoreState::Append(const std::string& line) {
  if (path_.empty()) return;
  // A line break first: the last line may have been cut short.
  const bool first = IsEmpty(path_);
  std::ofstream file(path_, std::ios::app | std::ios::binary);
  file << (first ? "" : "\n") << line << std::flush;
  T3_CHECK(file.good(), "cannot write {}", path_);
}

std::optional<KeptGroup> ScoreState::FindGroup(const std::string& key) const {
  const auto found = groups_.find(key);
  return found == groups_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<KeptClip> ScoreState::FindClip(const std::string& key) const {
  const auto found = clips_.find(key);
  return found == clips_.end() ? std::nullopt : std::optional(found->second);
}

void ScoreState::KeepGroup(const std::string& key, const KeptGroup& group) {
  groups_[key] = group;
  ordered_json line{{"group", key}, {"values", group.values}};
  if (!group.gap.empty()) line["gap"] = group.gap;
  Append(DumpJson(line));
}

void ScoreState::KeepClip(const std::string& key, const KeptClip& clip) {
  clips_[key] = clip;
  Append(DumpJson({{"clip", key},
                   {"width", clip.width},
                   {"height", clip.height},
                   {"frames", clip.frames},
                   {"fps", clip.fps},
                   {"thumbnail", ToBase64(clip.thumbnail)}}));
}

}  // namespace t3
