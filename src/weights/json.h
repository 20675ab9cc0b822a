// JSON from files that are not trusted.
#pragma once

#include <nlohmann/json.hpp>

#include "weights/byte_reader.h"

namespace t3 {

// Parses `text` as one JSON value. Throws Error, its message beginning with `what`, when the JSON
// is broken, nests deeper than 16, holds an array of more than 4096 elements, or names one key of
// an object twice (where parsers disagree on which one counts, so a checker could be fooled).
nlohmann::json ParseJson(Bytes text, std::string_view what);

}  // namespace t3
