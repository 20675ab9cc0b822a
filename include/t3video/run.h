// Runs on disk: settings as data, and the state that an unfinished run left beside its output.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "t3video/options.h"
#include "t3video/request.h"

namespace t3 {

// A run's settings as one JSON object whose keys are the flags of `t3 generate` without dashes, as
// `--config` takes them. Paths become absolute, those that are not UTF-8 URIs ("file:///a/caf%E9");
// what the request leaves open is left out.
std::string SettingsJson(const ModelFiles& files, const RunOptions& options,
                         const Request& request);

// The stages of a result as one JSON array, as records and `--progress json` have them.
std::string StagesJson(const std::vector<Result::Stage>& stages);

// Settings of a finished video or of latents from the metadata in the file, in the same form; the
// model is not among them. Throws Error when the file is not a result of t3.
std::string OutputSettings(const std::string& path);

// What an unfinished run left.
struct SavedRun {
  std::string file;      // the checkpoint, or the final latents
  std::string output;    // path of what the run was to write
  std::string settings;  // as of SettingsJson, everything decided
  int64_t step = 0;      // steps that are done
  int64_t steps = 0;
};

// The state of the run that was to write `path`; or `path` is such a file itself. Throws Error that
// says what was looked for when there is none.
SavedRun FindSavedRun(const std::string& path);

}  // namespace t3
