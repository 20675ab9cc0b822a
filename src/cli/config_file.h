// Flags of t3 generate from JSON files: --config and --from.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace t3 {

// {"steps": 8, "lora": ["a", "b"], "deterministic": true} -> --steps 8 --lora a --lora b
// --deterministic. Keys are flags of `app` without dashes. Throws Error of kind kUsage that names
// `source` for a key that is not a flag (with the nearest one) or a value that no flag takes.
std::vector<std::string> ToArguments(const std::string& settings, const std::string& source,
                                     const CLI::App& app);

// The command line with the flags of its --config and --from files laid under its own: flags that
// it names itself stay, the files' are put before them. Throws Error when a file cannot be read.
std::vector<std::string> LayUnderFiles(const std::vector<std::string>& arguments,
                                       const CLI::App& app);

// Whether `path` holds a JSON object, as records do; a video or latents do not.
bool IsJsonFile(const std::string& path);

// Names of the app's long flags, "--steps", ...; with those of its parents.
std::vector<std::string> LongFlags(const CLI::App& app);

}  // namespace t3
