// Relatives of the denoiser that need another network.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "arch/naming.h"

namespace t3 {

// Throws Error that names the variant and what to use instead when the file holds a denoiser that
// t3's network does not compute, by its tensors or by the class in `config` (diffusers'
// config.json; may be null).
void RefuseOtherDits(const NamedViews& views, const nlohmann::json* config);

}  // namespace t3
