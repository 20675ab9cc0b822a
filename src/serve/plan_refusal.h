// Refusing requests by what the model takes and by their plan.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace t3::serve {

// Throws ApiError that names the field where `input` is "image" and the model of the message
// "ready" (worker.h) makes no videos from pictures. Passes where no worker is ready: null.
void RefuseInput(const nlohmann::ordered_json& ready, const std::string& input, const char* field);

// Throws ApiError with the memory that does not fit, of the device or of the host, where the
// "memory" of a plan (plan_message.h) says so.
void RefuseWhatDoesNotFit(const nlohmann::ordered_json& plan);

}  // namespace t3::serve
