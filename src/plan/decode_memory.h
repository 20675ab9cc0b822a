// Memory and work of a decode plan, summed over the shapes of its layers.
#pragma once

#include "plan/decode_slabs.h"

namespace t3 {

// Of the plan but for its `memory`.
VaeMemory CountDecodeMemory(const VaeConfig& config, int64_t element_bytes, const DecodePlan& plan);

// Multiply-accumulates of the residual blocks in one pass: nearly all of the work. `whole`: as if
// the slab covered the whole frame.
double BlockMacs(const PlannedSlab& slab, bool whole = false);

}  // namespace t3
