// The JSON reader. No file is trusted, not even one that the program wrote.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace t3 {

struct JsonLimits {
  size_t depth = 16;       // nested containers
  size_t elements = 4096;  // of one array
};

// For lists that grow with people's work: prompts, clips, jobs.
inline constexpr JsonLimits kLongLists{32, 4'000'000};

// Parses `text` as one JSON value. Throws Error, its message beginning with `what`, when the JSON
// is broken, exceeds a limit, or names one key of an object twice (where parsers disagree on which
// one counts, so a checker could be fooled).
nlohmann::json ParseJson(std::string_view text, std::string_view what,
                         const JsonLimits& limits = {});
nlohmann::json ParseJson(std::span<const std::byte> text, std::string_view what,
                         const JsonLimits& limits = {});

// Likewise, with the keys of objects in the order of the text.
nlohmann::ordered_json ParseOrderedJson(std::string_view text, std::string_view what,
                                        const JsonLimits& limits = {});

// One JSON value from the file `path`. Throws Error that names the file.
nlohmann::json ReadJson(const std::string& path, const JsonLimits& limits = {});
nlohmann::ordered_json ReadOrderedJson(const std::string& path, const JsonLimits& limits = {});

// As text, indented by `indent` spaces a level, or in one line. Bytes that are not UTF-8 (paths may
// have them) become U+FFFD instead of an exception.
std::string DumpJson(const nlohmann::ordered_json& value, int indent = -1);

}  // namespace t3
