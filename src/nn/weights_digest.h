// Fingerprints of a network's weights (docs/design/fingerprints.md).
#pragma once

#include <string>

#include "arch/naming.h"

namespace t3 {

// A line of name, dtype, shape and digest of all bytes for each tensor. Reads all of the weights.
std::string WeightsLines(const NamedViews& views);

// Digest of these lines.
std::string WeightsDigest(const NamedViews& views);

// Digest of the names, shapes and first bytes of every tensor: enough to tell models apart, and
// little to read. It does not notice a change further in.
std::string WeightsSampleDigest(const NamedViews& views);

}  // namespace t3
