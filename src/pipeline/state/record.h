// The JSON record beside a finished video: what was done, with which inputs, and how long it took.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/run_settings.h"
#include "pipeline/state/run_state.h"
#include "t3video/request.h"

namespace t3 {

// When a run began.
struct StartTime {
  std::chrono::system_clock::time_point wall = std::chrono::system_clock::now();
  // Durations must not change when somebody sets the clock.
  std::chrono::steady_clock::time_point steady = std::chrono::steady_clock::now();
};

// Writes the record; the file is complete or absent. `weights` is the result of WeightDigests.
void WriteRecord(const std::string& path, const RunIdentity& identity,
                 const nlohmann::ordered_json& weights, const RunSettings& settings,
                 const Result& result, const StartTime& started);

// How this run differs from the recorded one: inputs, build. Throws Error where `path` is not a
// record.
std::vector<std::string> CompareWithRecord(const std::string& path, const RunIdentity& identity);

// Whether the recorded output has the same bytes as `output`; nullopt where the record has no
// digest (folders of frames). Throws as CompareWithRecord does.
std::optional<bool> EqualsRecorded(const std::string& path, const std::string& output);

// Whether `path` is the record of a run with the same inputs; nullopt where it is not a record of
// this output.
std::optional<bool> RecordsRun(const std::string& path, const RunIdentity& identity);

// Whether the record says that this run is finished and its files still exist. A damaged record is
// a warning: the run is then not finished.
bool IsFinished(const std::string& path, const RunIdentity& identity);

}  // namespace t3
