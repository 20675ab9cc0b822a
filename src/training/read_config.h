// From the file and the --set flags of `t3 train` to the configuration of a task.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "training/distill/distill_config.h"
#include "training/dit/dit_config.h"
#include "training/vae/vae_config.h"

namespace t3 {

using AnyTrainConfig = std::variant<DitTrainConfig, DistillConfig, VaeTrainConfig>;

// Throws Error that names the field, of kind kUsage for a wrong assignment in `overrides`
// ("optimizer.lr=1e-4").
AnyTrainConfig ReadTrainConfig(const std::string& path, const std::vector<std::string>& overrides);

// Sets "a.b=value" in the document. The value is JSON where it parses as such, else a string.
void Override(const std::string& assignment, nlohmann::json* document);

}  // namespace t3
