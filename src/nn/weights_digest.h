// A fingerprint of a network's weights.
#pragma once

#include <string>

#include "arch/naming.h"

namespace t3 {

// Digest of the names, shapes and first bytes of every tensor: enough to distinguish models.
std::string WeightsDigest(const NamedViews& views);

}  // namespace t3
