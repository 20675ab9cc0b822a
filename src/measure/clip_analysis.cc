// Sorting a clip's painted regions.
#include "measure/clip_analysis.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace t3 {
namespace {

// Lanterns hang within this fraction of the width at both edges; objects stay between.
constexpr double kEdge = 0.11;
// An object or lantern covers at least 300 pixels at 256x144; fragments after a blur are smaller.
constexpr int64_t kMinArea = 70;
at::Tensor FreeOf(const at::Tensor& map) {
  const at::Tensor painted = (map >= 0).to(at::kFloat).unsqueeze(1);
  at::Tensor free = 1 - at::max_pool2d(painted, 9, 1, 4).squeeze(1);
  const int64_t edge = std::llround(kEdge * kReadWidth);
  free.narrow(2, 0, edge).zero_();
  free.narrow(2, kReadWidth - edge, edge).zero_();
  return free;
}

}  // namespace

ClipAnalysis AnalyzeClip(const at::Tensor& video) {
  ClipAnalysis clip{.picture = ReadingSize(video), .map = {}, .free = {}, .regions = {}};
  const at::Tensor map = PaintMap(clip.picture);
  clip.free = FreeOf(map);
  clip.map = map.cpu();
  for (int64_t frame = 0; frame < clip.map.size(0); ++frame) {
    FrameRegions& sorted = clip.regions.emplace_back();
    for (const PaintedRegion& thing : FindRegions(clip.map[frame], kMinArea)) {
      auto& place = thing.x < kEdge * kReadWidth         ? sorted.left
                    : thing.x > (1 - kEdge) * kReadWidth ? sorted.right
                                                         : sorted.middle;
      place.push_back(thing);
    }
  }
  return clip;
}

const PaintedRegion* LargestRegion(const std::vector<PaintedRegion>& things) {
  const auto largest = std::max_element(
      things.begin(), things.end(), [](const auto& a, const auto& b) { return a.area < b.area; });
  return largest == things.end() ? nullptr : &*largest;
}

void DropMirrorImages(ClipAnalysis& clip) {
  constexpr int64_t kMargin = 6;  // waves move an image a little beyond its object
  for (FrameRegions& frame : clip.regions) {
    const std::vector<PaintedRegion> all = frame.middle;
    std::erase_if(frame.middle, [&all](const PaintedRegion& image) {
      return std::any_of(all.begin(), all.end(), [&image](const PaintedRegion& thing) {
        return thing.color == image.color && thing.bottom < image.top + 3 &&
               image.left > thing.left - kMargin && image.right < thing.right + kMargin &&
               image.area < 2 * thing.area;
      });
    });
  }
}

std::vector<const PaintedRegion*> ObjectByFrame(const ClipAnalysis& clip) {
  std::vector<const PaintedRegion*> objects;
  for (const FrameRegions& frame : clip.regions) objects.push_back(LargestRegion(frame.middle));
  return objects;
}

}  // namespace t3
