// Plans as messages of a worker.
#pragma once

#include <nlohmann/json.hpp>

#include "serve/open_message.h"
#include "t3video/plan.h"
#include "t3video/request.h"

namespace t3::serve {

// The nearest number of the form 4n+1 to seconds * fps, at least 1.
int64_t FramesOfSeconds(double seconds, double fps);

// Sets the options of a message, {OPTION: TEXT}. Throws Error.
void SetOptions(const nlohmann::ordered_json& options, Request& request);

// What `t3 plan` would say. `budget`: bytes of the device that jobs may take; 0: what is free.
PlanResult PlanOf(const OpenedModel& opened, const Request& request, int64_t budget);

// As `POST /v1/videos/plan` answers, without the fields of the server.
nlohmann::ordered_json PlanObject(const PlanResult& plan, const Request& request);

}  // namespace t3::serve
