// A job that several processes of one command make.
#pragma once

#include <functional>
#include <string>

#include "cli/children.h"
#include "cli/job_split.h"
#include "cli/terminal.h"
#include "t3video/cancel.h"

namespace t3 {

// This process makes the first part of the job's videos on the first GPUs, and starts one process
// for each other part: the same command with --shard (cli/job_shard.h).
class JobParts {
 public:
  // `device`: "cuda" or "cpu". `style`: of the progress of the others, which is shown while this
  // process waits for them. Throws Error of kind kUsage where too few GPUs are visible.
  JobParts(const JobSplit& split, const std::string& device, ProgressStyle style);

  // The first part, as --shard takes it.
  std::string shard() const;
  // `own` makes it; then waits for the others. `cancel`, and an exception of `own`, stop them after
  // their step. Returns the largest exit status.
  int Run(const CancelToken& cancel, const std::function<int()>& own);

 private:
  void Wait(const CancelToken& cancel, bool stop);
  void ShowProgress(const ProgressFn& progress, std::string& shown);

  JobSplit split_;
  ProgressStyle style_;
  Children children_;
};

}  // namespace t3
