// The patches of a large frame that dover_patches averages over.
#pragma once

#include <cstdint>
#include <vector>

namespace t3 {

// Pixels.
struct DoverPatch {
  int64_t top = 0, left = 0;
  int64_t height = 0, width = 0;
};

// The patch that DOVER's authors tested the largest: 1920 pixels along the longer side, 1080 along
// the shorter one. A frame has as many rows and columns of patches as such lengths, rounded, at
// least one; equal patches that begin at the top left and leave out a remainder of less than a
// pixel each. Empty where that is one patch: 3840 x 2176 has 2 x 2.
std::vector<DoverPatch> PatchesOf(int64_t height, int64_t width);

}  // namespace t3
