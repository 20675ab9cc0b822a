// The denoiser's tensors: names, shapes, how files call them, and what the sizes tell.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "config/model_config.h"
#include "nn/naming.h"
#include "nn/tensor_spec.h"

namespace t3 {

// Original names, shapes as in the official files.
TensorTable DitTensors(const DitConfig& config);

// Original, ComfyUI and diffusers names.
const Naming& DitNaming();

bool LooksLikeDit(const NamedViews& views);

// Sizes from the tensors; heads, eps and text length from `config` (the folder's config.json,
// official or diffusers; may be null), else from metadata t3.*, else dim/128 heads, eps 1e-6 and
// 512 rows. A config that contradicts the tensors is an Error, as is a tensor too few to tell a
// size.
DitConfig ReadDitConfig(const NamedViews& views, const nlohmann::json* config);

// The metadata by which ReadDitConfig finds what tensors do not tell.
Metadata DitMetadata(const DitConfig& config);

}  // namespace t3
