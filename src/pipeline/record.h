// The JSON record beside a finished video: what was done, with what, how long it took.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/run_settings.h"
#include "pipeline/run_state.h"
#include "t3video/request.h"

namespace t3 {

// Writes `path` as of `identity` and `result`; the file appears complete or not at all. `weights`
// of WeightDigests.
void WriteRecord(const std::string& path, const RunIdentity& identity,
                 const nlohmann::ordered_json& weights, const RunSettings& settings,
                 const Result& result, std::chrono::system_clock::time_point started);

// How this run differs from the recorded one: inputs, build, device. Throws Error where `path` is
// no record.
std::vector<std::string> CompareWithRecord(const std::string& path, const RunIdentity& identity);

// Whether the recorded output has the very bytes of the one just made; nullopt where the record has
// no digest of it (folders of frames).
std::optional<bool> EqualsRecorded(const std::string& path, const std::string& output);

// Whether the record says that this very run is finished and its output is still there.
bool IsFinished(const std::string& path, const RunIdentity& identity);

}  // namespace t3
