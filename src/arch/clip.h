// Tensors of CLIP with a vision transformer.
#pragma once

#include "arch/naming.h"
#include "arch/tensor_spec.h"
#include "config/score_networks.h"

namespace t3 {

// OpenAI's names, which open_clip shares. A config with `separate` set has q, k and v of their own
// and projections as (out, in), which no renaming can give.
TensorTable ClipTensors(const ClipConfig& config);

// OpenAI's, open_clip's and transformers' names.
const Naming& ClipNaming();

// Sizes from the tensors; quick_gelu keeps its default. Throws Error where the file is not such a
// network, and for towers above ViT-L, whose heads are not 64 wide.
ClipConfig ReadClipConfig(const NamedViews& views);

}  // namespace t3
