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

// A frame has as many columns and rows of patches as it has multiples of 1920 pixels along its
// longer and 1080 along its shorter side (the largest videos that DOVER's authors tested), rounded,
// at least one. Patches are equal and begin at the top left; fewer rows and columns of pixels than
// there are patches may be left over. Empty where there is one patch. 3840 x 2176 has 2 x 2.
std::vector<DoverPatch> PatchesOf(int64_t height, int64_t width);

}  // namespace t3
