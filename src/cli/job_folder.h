// Many videos from one command: their names, and job.json, from which t3 resume continues.
#pragma once

#include <string>
#include <vector>

#include "base/new_folder.h"
#include "cli/generate_flags.h"
#include "cli/job_shard.h"
#include "t3video/tools.h"

namespace t3 {

// One prompt with one seed, as a request, or why the prompt has none.
struct JobEntry {
  std::string label;  // for messages: "prompts.txt:3", or "" when there is only one
  Request request;
  std::string error;
};

// What a job changed in its folder before its videos were planned.
class FolderChange {
 public:
  // Makes the folder where it is missing.
  void Make(const std::string& folder);
  // Replaces the text of job.json; `before` is "" where there was none.
  void Write(const std::string& file, std::string text, std::string before);
  // For a job without a single valid request: restores job.json, unless another process has changed
  // it since. Empty folders are removed with this object.
  void Undo();
  // Undo() does nothing from now on.
  void Keep() { file_.clear(); }

 private:
  std::vector<NewFolder> folders_;
  std::string file_;
  std::string text_;
  std::string before_;
};

// Requests that share a model. (pipeline/job.h has Job, and both are linked together.)
struct BatchJob {
  GenerateFlags flags;
  std::vector<JobEntry> entries;
  std::vector<std::string> notes;
  std::string folder;  // of job.json; "" where the job has none and cannot be resumed as a whole
  FolderChange change;
};

// Every prompt with every seed. Outputs are named by number, prompt and, where there are several,
// seed; each has a record beside it. If the output is a folder, makes it and adds the job to its
// job.json: names that other videos of earlier jobs have are not used again, and seeds that an
// earlier run of the same job drew are used again. With a shard, job.json and the names are those
// of the whole job, whichever shard comes first, and only the entries are the shard's.
BatchJob MakeJob(const GenerateFlags& flags);

// Where job.json of an output folder is.
std::string JobFile(const std::string& folder);

// The jobs of the folder's job.json, oldest first, each with the shard's part of its entries.
std::vector<BatchJob> ReadJobs(const std::string& folder, const Shard& shard);

}  // namespace t3
