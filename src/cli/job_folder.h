// Many videos from one command: their names, and job.json, from which t3 resume goes on.
#pragma once

#include <string>
#include <vector>

#include "cli/generate.h"
#include "t3video/tools.h"

namespace t3 {

// One request to make, or an entry that cannot be made and why.
struct JobEntry {
  std::string label;  // for messages: "prompts.txt:3", or "" when there is only one
  Request request;
  std::string error;
};

// Every prompt with every seed. Outputs are named by number and prompt, and by seed where there are
// several; each has a record beside it. A prompt file with an output folder makes the folder and
// writes job.json into it.
std::vector<JobEntry> MakeEntries(const GenerateFlags& flags);

// Where job.json of an output folder is.
std::string JobFile(const std::string& folder);

// The flags with which the folder's job goes on: those it was begun with.
GenerateFlags ReadJob(const std::string& folder);

// Flags from an object as of SettingsJson; `source` is for messages.
GenerateFlags FlagsOf(const std::string& settings, const std::string& source);

}  // namespace t3
