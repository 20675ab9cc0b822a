// Many videos from one command: their names, and job.json, from which t3 resume continues.
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

// Requests that share a model. (pipeline/job.h has Job, and both are linked together.)
struct BatchJob {
  GenerateFlags flags;
  std::vector<JobEntry> entries;
  std::vector<std::string> notes;
};

// Every prompt with every seed. Outputs are named by number, prompt and, where there are several,
// seed; each has a record beside it. If the output is a folder, makes it and adds the job to its
// job.json: names that other videos of earlier jobs have are not used again.
BatchJob MakeJob(const GenerateFlags& flags);

// Where job.json of an output folder is.
std::string JobFile(const std::string& folder);

// The jobs of the folder's job.json, oldest first.
std::vector<BatchJob> ReadJobs(const std::string& folder);

// Flags from an object as of SettingsJson; `source` is for messages.
GenerateFlags FlagsOf(const std::string& settings, const std::string& source);

}  // namespace t3
