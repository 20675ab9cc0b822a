// What a checkpoint says of a network that the run starts from.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "nn/weights_digest.h"

namespace t3 {

// Adds the network `part` to what Task::Identity gives. Reads all of its weights. Checkpoints of
// earlier versions have the sample's digest alone, so both are kept.
inline void AddWeights(const std::string& part, const NamedViews& views, nlohmann::json* identity) {
  (*identity)[part] = WeightsSampleDigest(views);
  (*identity)["weights"][part] = WeightsDigest(views);
}

}  // namespace t3
