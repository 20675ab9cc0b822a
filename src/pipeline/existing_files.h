// What may be replaced: files of an earlier run of the same settings, and nothing else unasked.
#pragma once

#include <functional>
#include <string>

#include "pipeline/state/run_state.h"
#include "t3video/request.h"
#include "weights/types.h"

namespace t3 {

// The metadata that t3 wrote into a finished output ("t3.prompt", ...); empty where `path` is not
// such a file or folder of frames.
Metadata OutputMetadata(const std::string& path);

// Throws Error that names the file when `output` exists and is not an earlier result whose metadata
// are `metadata` but for the version. `overwrite` allows any file.
void CheckReplaceable(const OutputOptions& output, const Metadata& metadata);

// Throws Error when a file that `is_own` does not recognise is at `path`: the results of commands
// that carry no settings are known by what they hold.
void CheckReplaceable(const std::string& path, bool overwrite,
                      const std::function<bool(const std::string& path)>& is_own);

// Likewise for every file that a run writes. A run that discards the state of an earlier one may
// replace any result of t3. `wrote_outputs`: this run may have written its outputs before.
void CheckReplaceable(const Request& request, const RunIdentity& identity, bool wrote_outputs);

}  // namespace t3
