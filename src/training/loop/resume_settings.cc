// Compares settings by reading the checkpoint's in place of the run's.
#include "training/loop/resume_settings.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "t3video/error.h"
#include "training/loop/json_differences.h"

namespace t3 {
namespace {

using nlohmann::json;

// Where things are and what is written how often; of inputs, the identity has the contents.
constexpr const char* kFree[] = {"output",
                                 "overwrite",
                                 "model",
                                 "data",
                                 "device",
                                 "save_dtype",
                                 "checkpoint",
                                 "samples",
                                 "validation",
                                 "activation_checkpoints",
                                 "profile",
                                 "sequence_parallel",
                                 "stop_after_seconds"};

// Fields whose defaults are those of the base, the teacher or the data, and the part of the
// identity that has what comes of them.
constexpr std::pair<const char*, const char*> kInIdentity[] = {{"attention", "attention"},
                                                               {"buckets", "data"},
                                                               {"sampling", "sampling"},
                                                               {"teacher", "teacher"}};

bool IsIn(const json& identity, const json::json_pointer& place) {
  const std::string text = place.to_string();
  const std::string field = text.substr(1, text.find('/', 1) - 1);
  return std::ranges::any_of(kInIdentity, [&](const auto& entry) {
    return field == entry.first && identity.contains(entry.second);
  });
}

}  // namespace

ResumeSettings::ResumeSettings(json document, bool steps_decide)
    : document_(std::move(document)), recorded_(document_) {
  for (const char* field : kFree) recorded_.erase(field);
  if (!steps_decide) recorded_.erase("steps");
  if (recorded_.contains("teacher") && recorded_["teacher"].is_object())
    recorded_["teacher"].erase("model");
}

bool ResumeSettings::SameWith(const json& recorded, const Places& places) const {
  if (!same_) return false;
  json document = document_;
  for (const json::json_pointer& place : places) {
    if (recorded.contains(place)) {
      document[place] = recorded[place];
    } else {
      document[place.parent_pointer()].erase(place.back());
    }
  }
  try {
    return same_(document);
  } catch (const Error&) {  // settings of another version, or that do not go with the run's others
    return false;
  }
}

std::vector<std::string> ResumeSettings::DifferencesFrom(const json& recorded,
                                                         const json& identity) const {
  Places places = JsonDifferences(recorded, recorded_);
  std::erase_if(places, [&](const json::json_pointer& place) { return IsIn(identity, place); });
  if (places.empty() || SameWith(recorded, places)) return {};
  Places decisive;
  std::ranges::copy_if(places, std::back_inserter(decisive), [&](const json::json_pointer& place) {
    return !SameWith(recorded, {place});
  });
  std::vector<std::string> texts;
  for (const json::json_pointer& place : decisive.empty() ? places : decisive)
    texts.push_back(DifferenceText(place, recorded, recorded_));
  return texts;
}

}  // namespace t3
