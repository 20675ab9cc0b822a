// PatchesOf.
#include "score/networks/dover_patches.h"

#include <algorithm>

namespace t3 {
namespace {

constexpr int64_t kLongerSide = 1920, kShorterSide = 1080;

int64_t PatchCount(int64_t size, int64_t patch) {
  return std::max<int64_t>(1, (size + patch / 2) / patch);
}

}  // namespace

std::vector<DoverPatch> PatchesOf(int64_t height, int64_t width) {
  const bool portrait = height > width;
  const int64_t rows = PatchCount(height, portrait ? kLongerSide : kShorterSide);
  const int64_t columns = PatchCount(width, portrait ? kShorterSide : kLongerSide);
  std::vector<DoverPatch> patches;
  if (rows * columns == 1) return patches;
  const int64_t patch_height = height / rows, patch_width = width / columns;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      patches.push_back({row * patch_height, column * patch_width, patch_height, patch_width});
    }
  }
  return patches;
}

}  // namespace t3
