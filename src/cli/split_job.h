// How the GPUs of a command divide the videos of its job.
#pragma once

#include <string>
#include <vector>

#include "cli/generate_flags.h"
#include "cli/job_folder.h"
#include "cli/job_split.h"

namespace t3 {

struct SplitOnDevice {
  JobSplit split;
  std::string device;  // "cuda" or "cpu", if there are several parts
};

// Whether they may each make videos of their own. --shard and launchers say themselves who makes
// what, the events of --progress json are those of one process, and --restart and --overwrite may
// draw seeds that other processes would not know.
bool MayBeSplit(const GenerateFlags& flags);

// The split of a job of `entries`, which MayBeSplit. Its first valid entry stands for all; one part
// where there is none.
SplitOnDevice SplitJob(const GenerateFlags& flags, const std::vector<JobEntry>& entries);

}  // namespace t3
