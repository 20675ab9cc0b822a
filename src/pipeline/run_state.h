// What an unfinished run keeps on disk: its sampler's state, and later its final latents.
#pragma once

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/sampler_state.h"
#include "pipeline/text_embeds.h"
#include "t3video/request.h"
#include "weights/types.h"

namespace t3 {

// Files beside an output a.mp4: a.mp4.checkpoint.safetensors, a.mp4.latents.safetensors. For a
// folder of frames they stand beside the folder.
std::string CheckpointBeside(const std::string& output);
std::string LatentsBeside(const std::string& output);

// Whatever of the run is worth keeping.
struct RunProgress {
  SamplerState sampler;
  PromptEmbeds embeds;     // so that the text encoder need not run again
  at::Tensor first_frame;  // (z,1,h,w), or undefined
};

// Says who the run is, for its files.
struct RunIdentity {
  std::string output;
  std::string settings;           // of SettingsJson, decided
  nlohmann::ordered_json inputs;  // of RunInputs
  std::string device;             // "cpu", "cuda:0"
  int64_t steps = 0;
  Metadata metadata;  // of JobMetadata
};

// A state that was found and may be used.
struct FoundRun {
  RunProgress progress;  // with step == steps the latents are final
  std::string file;
  std::vector<std::string> notes;  // what is not as it was, but does not forbid to go on
};

// The state for `identity` in `file`, or beside its output where `file` is empty: final latents
// before a checkpoint. nullopt when there is none, or only the mark of a run that had not begun.
// Throws Error that lists the differences when it is of another run, unless `old` says otherwise.
std::optional<FoundRun> FindRun(const RunIdentity& identity, const std::string& file,
                                ExistingState old);

// Each is complete or not there. Throw Error when they cannot be written.
// That the run has begun, without any state yet: `t3 resume` can then repeat it.
void SaveStart(const RunIdentity& identity);
// Removes that mark, where nothing more came of it.
void RemoveStart(const RunIdentity& identity);
void SaveCheckpoint(const RunIdentity& identity, const RunProgress& progress);

// Final latents beside the output; where that fails in the current folder, then in the system's
// folder for temporary files. Returns the path, or "" with `why` set when no place took them.
std::string SaveFinalLatents(const RunIdentity& identity, const at::Tensor& latents,
                             std::string& why);

// Removes both files beside `output`.
void RemoveRunState(const std::string& output);

}  // namespace t3
