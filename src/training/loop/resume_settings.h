// The settings of a training that a run which resumes it must share.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace t3 {

// Kept as the configuration says them, so that a later version reads them with its own defaults,
// and compared by what they mean.
class ResumeSettings {
 public:
  // Whether a configuration of `document` means the same as the run's.
  using SameFn = std::function<bool(const nlohmann::json& document)>;

  ResumeSettings() = default;
  // `steps_decide`: whether the learning rate depends on the number of steps.
  ResumeSettings(nlohmann::json document, bool steps_decide);

  // Before this, settings are the same where their JSON is.
  void CompareBy(SameFn same) { same_ = std::move(same); }

  // What a checkpoint keeps: all fields but those that say where things are, or what is written how
  // often, and those of inputs that Task::Identity names by their contents.
  const nlohmann::json& recorded() const { return recorded_; }

  // "optimizer/lr was 0.1, now absent", for each field in which those of a checkpoint differ from
  // this run's. Of fields whose outcome its `identity` (Task::Identity) has, that is compared.
  std::vector<std::string> DifferencesFrom(const nlohmann::json& recorded,
                                           const nlohmann::json& identity) const;

  // Configurations are compared by what they mean alone.
  bool operator==(const ResumeSettings&) const { return true; }

 private:
  using Places = std::vector<nlohmann::json::json_pointer>;
  // Whether the run's configuration means the same with the values of `recorded` at `places`.
  bool SameWith(const nlohmann::json& recorded, const Places& places) const;

  nlohmann::json document_, recorded_ = nlohmann::json::object();
  SameFn same_;
};

}  // namespace t3
