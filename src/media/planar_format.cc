// Sizes of planes.
#include "media/planar_format.h"

namespace t3 {

PlaneSize PlaneSizeOf(const PixelLayout& layout, int component, int64_t width, int64_t height) {
  const bool luma = component == 0;
  return {(luma ? width : layout.ChromaWidth(width)) * layout.samples[component].bytes(),
          luma ? height : layout.ChromaHeight(height)};
}

}  // namespace t3
