// The fields of a request, declared once: the parser and error texts follow this table.
#pragma once

#include <cstdint>
#include <span>
#include <string>

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

  double MaxOf(const Limits& limits) const {
    return limit != nullptr ? static_cast<double>(limits.*limit) : max_value;
  }
};

std::span<const Field> RequestFields();

// The field of this name. Throws ApiError that lists the names where `use` has none.
const Field& FieldOf(const std::string& name, FieldUse use);

// A message of the library with the names of fields in place of options', "`steps` 0 is ..." ->
// "`num_inference_steps` 0 is ...", and with the server's flags, "the server's `--memory-limit`".
std::string WithFieldNames(const std::string& message);

}  // namespace t3::serve
