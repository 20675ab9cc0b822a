// The memory of an evaluation, planned before anything is loaded.
#pragma once

#include <c10/core/Device.h>

#include "eval/eval_plan.h"
#include "eval/resident_networks.h"
#include "plan/memory.h"
#include "t3video/options.h"

namespace t3 {

// Fills in the plan's memory, room and true_encoder where a model generates the clips, and makes a
// batch smaller that the request leaves open and that does not fit. Throws Error for clips or a
// stage that the device has no memory for.
void PlanMemoryOf(EvalPlan& plan, const RunOptions& options, at::Device device);

// What the network of a stage takes; nothing where the plan has no such stage.
NetworkNeed NeedOf(const MemoryPlan& plan, StageKind kind);

}  // namespace t3
