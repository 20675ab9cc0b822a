// What t3 generate does with its flags.
#pragma once

#include <vector>

#include "cli/generate_flags.h"

namespace t3 {

struct BatchJob;

// Both return the exit code.
int RunGenerate(const GenerateFlags& flags);
// One after the other on the GPUs of `machine`: ranks meet once in a process.
int RunJobs(std::vector<BatchJob> jobs, const RunFlags& machine);

}  // namespace t3
