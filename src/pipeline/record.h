// The JSON record beside a finished video: what was done, with what, how long it took.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "pipeline/run_settings.h"
#include "pipeline/run_state.h"
#include "t3video/request.h"

namespace t3 {

// Writes `path` as of `identity` and `result`; the file appears complete or not at all. `weights`
// of WeightDigests.
void WriteRecord(const std::string& path, const RunIdentity& identity,
                 const nlohmann::ordered_json& weights, const RunSettings& settings,
                 const Result& result, std::chrono::system_clock::time_point started);

// Whether the record says that this very run is finished and its output is still there.
bool IsFinished(const std::string& path, const RunIdentity& identity);

}  // namespace t3
