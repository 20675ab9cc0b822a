// Whether the device has the memory that a training takes.
#pragma once

#include <optional>
#include <string>

#include "t3video/error.h"
#include "t3video/train.h"

namespace t3 {

// The activations of a plan are an estimate. Twice the free memory leaves room for its error, and
// for memory that others give back.

// Why a plan cannot run: it takes more than twice the free memory; nullopt where it takes less.
std::optional<Error> MemoryRefusal(const TrainPlan& plan);

// That it takes more than is free, and may not fit; "" where it takes less, and where
// MemoryRefusal refuses.
std::string MemoryNote(const TrainPlan& plan);

}  // namespace t3
