// What t3 generate does with its flags.
#pragma once

#include "cli/generate_flags.h"

namespace t3 {

struct BatchJob;

// Both return the exit code.
int RunGenerate(const GenerateFlags& flags);
int RunJob(BatchJob job);

}  // namespace t3
