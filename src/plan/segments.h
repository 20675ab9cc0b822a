// A long clip as segments of the length that the model was trained with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace t3 {

// Latent frames [begin, begin + length). All segments of a clip have one length.
struct ClipSegment {
  int64_t begin = 0;
  int64_t length = 0;
  int64_t end() const { return begin + length; }
  bool operator==(const ClipSegment&) const = default;
};

// Covers `frames` latent frames by segments of `length`, spread evenly, of which neighbours share
// `overlap` or more; one segment where the clip is not longer. 0 <= overlap < length.
std::vector<ClipSegment> PlanSegments(int64_t frames, int64_t length, int64_t overlap);

// Weights of a segment's frames. Those of all segments add up to 1 at every frame of the clip. They
// fall linearly towards ends that lie inside the clip, so that no seam shows in time.
std::vector<float> SegmentWeights(const std::vector<ClipSegment>& segments, size_t index);

}  // namespace t3
