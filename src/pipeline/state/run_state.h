// The state of an unfinished run on disk: a checkpoint of the sampler, later the final latents.
#pragma once

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/state/sampler_state.h"
#include "pipeline/text_embeds.h"
#include "t3video/request.h"
#include "weights/types.h"

namespace t3 {

// All that a run needs to continue.
struct RunProgress {
  SamplerState sampler;
  PromptEmbeds embeds;     // so that the text encoder need not run again
  at::Tensor first_frame;  // (z,1,h,w), or undefined
  at::Tensor draft;        // final latents of the draft, or undefined: none, or not there yet
};

// What identifies a run in its files.
struct RunIdentity {
  std::string output;
  std::string settings;           // of SettingsJson, decided
  nlohmann::ordered_json inputs;  // of RunInputs
  std::string device;             // "cpu", "cuda:0"
  int64_t steps = 0;              // of the draft and the video together
  Metadata metadata;              // of JobMetadata
};

// A state that was found and may be used.
struct FoundRun {
  RunProgress progress;  // with step == steps the latents are final
  std::string file;
  std::vector<std::string> notes;  // what has changed, but does not prevent resuming
};

// The state for `identity` in `file` or, where that is empty, the latest of its output, beside it
// or elsewhere (state_places.h). nullopt when there is none, or only the mark of a run that had no
// state yet.
// Throws Error that lists the differences when it belongs to another run, unless `existing` says
// otherwise.
std::optional<FoundRun> FindRun(const RunIdentity& identity, const std::string& file,
                                ExistingState existing);

// Each file is complete or absent. Throw Error when it cannot be written.
// Marks the run as begun, before there is a state: `t3 resume` can then repeat it.
void SaveStart(const RunIdentity& identity);
// Removes that mark unless a checkpoint has replaced it.
void RemoveStart(const RunIdentity& identity);
void SaveCheckpoint(const RunIdentity& identity, const RunProgress& progress);

// The last chance: beside the output, else elsewhere (state_places.h). Never throw. Return the
// path, or "" with `why` set when no place took the file.
std::string SaveLastCheckpoint(const RunIdentity& identity, const RunProgress& progress,
                               std::string& why);
// `draft`: final latents of the draft, or undefined.
std::string SaveFinalLatents(const RunIdentity& identity, const at::Tensor& latents,
                             const at::Tensor& draft, std::string& why);

// The command that continues from the state in `file`, for messages that go on with a verb.
std::string HowToResume(const RunIdentity& identity, const std::string& file);

// Whether there is a state of `output`, not only a mark.
bool HasState(const std::string& output);
// Removes its states, wherever they lie.
void RemoveRunState(const std::string& output);

}  // namespace t3
