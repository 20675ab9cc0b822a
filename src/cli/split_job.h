// How the GPUs of a command divide the videos of its job.
#pragma once

#include <span>
#include <string>

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

// The split of jobs that share their GPUs, by the size of the last one, which MayBeSplit; each part
// makes its share of every job. A job's first valid entry stands for all; one part where there is
// none. Where GPUs are idle, the log says so.
SplitOnDevice SplitJobs(std::span<const BatchJob> jobs);

// From now on this command and the processes that it starts have the GPUs of a split of one part.
void UseGpusOf(const JobSplit& split, RunFlags& run);

}  // namespace t3
