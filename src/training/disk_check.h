// Whether the disk has room for what a training writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "t3video/error.h"
#include "t3video/train.h"

namespace t3 {

// Why a disk is too small for the next checkpoint, the model and the caches of a plan, whose output
// has the checkpoints of `steps`, the newest first; nullopt where none is, and where their room is
// unknown.
std::optional<Error> DiskRefusal(const TrainPlan& plan, const std::vector<int64_t>& steps);

// That it is too small for as many checkpoints as are kept; "" where it is not.
std::string DiskNote(const TrainPlan& plan, const std::vector<int64_t>& steps);

}  // namespace t3
