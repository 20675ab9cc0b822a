// A request's fields, checked.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "serve/limits.h"
#include "serve/request_fields.h"

namespace t3::serve {

struct LoraChoice {
  std::string name;
  double scale = 1;
};

// A request whose every field has been checked.
struct FieldValues {
  std::string prompt;
  std::string model;
  nlohmann::ordered_json settings = nlohmann::ordered_json::object();  // as given, in their types
  std::vector<std::pair<std::string, std::string>> options;  // option -> text; without the prompt
  double seconds = 0;                                        // 0: not given
  uint64_t seed = 0;
  bool has_seed = false;
  std::string source_video;  // id of an earlier job; or empty
  std::string input;         // plan: "image", "video" or empty
  std::vector<LoraChoice> loras;
  bool own_loras = true;  // those that the server's model has without a request's
};

// From a JSON object. Throws ApiError that names the field.
FieldValues ParseFields(const nlohmann::json& object, const Limits& limits, FieldUse use);

// The texts of a form in the types of the table. Throws ApiError that names the field.
nlohmann::json FormToJson(const std::map<std::string, std::string>& parts, FieldUse use);

}  // namespace t3::serve
