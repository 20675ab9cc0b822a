// The JSON that clients see of a job.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "serve/job.h"
#include "serve/live_state.h"

namespace t3::serve {

// docs/reference/http.md describes it. `keep_days`: after how many a finished job is removed; 0:
// never.
nlohmann::ordered_json VideoObject(const Job& job, const LiveState& live, const std::string& model,
                                   double keep_days);

// "1.0625": frames over fps, without trailing zeros.
std::string SecondsText(int64_t frames, double fps);

// How long a client should wait before it asks again.
int64_t PollAfterMilliseconds(const Job& job, const LiveState& live);

}  // namespace t3::serve
