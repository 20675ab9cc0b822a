// The fields of a request, declared once: the parser, error texts and the page that documents them
// follow this table.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "serve/limits.h"

namespace t3::serve {

enum class FieldType {
  kText,
  kInteger,
  kNumber,
  kSize,        // WIDTHxHEIGHT
  kSizeOrNone,  // likewise, or "none"
  kName,        // one of `names`
  kLoras,       // list of {"name", "scale"}
  kVideoId,     // of an earlier job
};

// Where a field is accepted.
enum class FieldUse {
  kBoth,
  kSubmission,  // not when planning
  kPlan,        // only when planning
};

struct Field {
  const char* name;
  FieldType type;
  const char* option;      // of a generation that it sets (request_options.h); "" none
  double min_value = 0;    // of a number
  double max_value = 0;    // likewise; of a text its characters
  const char* names = "";  // of kName, separated by spaces
  FieldUse use = FieldUse::kBoth;
  // The limit of the server that replaces max_value.
  int64_t Limits::*limit = nullptr;
};

std::span<const Field> RequestFields();

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

// A message of the library with the names of fields in place of options': "`steps` 0 is ..." ->
// "`num_inference_steps` 0 is ...".
std::string WithFieldNames(const std::string& message);

// "832x480" -> width and height; nullopt for other text.
struct PixelSize {
  int64_t width = 0;
  int64_t height = 0;
};
std::optional<PixelSize> ParsePixelSize(std::string_view text);

}  // namespace t3::serve
