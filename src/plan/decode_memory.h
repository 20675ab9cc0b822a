// Memory and work of a decode plan, summed over the shapes of its layers.
#pragma once

#include "plan/decode_plan.h"

namespace t3 {

// Fills plan->memory.
void CountDecodeMemory(const VaeConfig& config, int64_t element_bytes, DecodePlan* plan);

// Multiply-accumulates of the residual blocks in one pass: nearly all of the work. `whole`: as if
// the slab covered the whole frame.
double BlockMacs(const PlannedSlab& slab, bool whole = false);

}  // namespace t3
