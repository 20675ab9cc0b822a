// Segments and their weights.
#include "plan/segments.h"

#include <algorithm>

#include "base/check.h"

namespace t3 {
namespace {

// Distance to the nearer end; an end of the clip counts as far away.
double RawWeight(const ClipSegment& segment, int64_t frame, int64_t frames) {
  const int64_t from_begin = segment.begin == 0 ? segment.length : frame - segment.begin + 1;
  const int64_t from_end = segment.end() == frames ? segment.length : segment.end() - frame;
  return static_cast<double>(std::min(from_begin, from_end));
}

bool Holds(const ClipSegment& segment, int64_t frame) {
  return frame >= segment.begin && frame < segment.end();
}

}  // namespace

std::vector<ClipSegment> PlanSegments(int64_t frames, int64_t length, int64_t overlap) {
  T3_CHECK(frames > 0 && length > 0 && overlap >= 0 && overlap < length,
           "segments of {} latent frames with an overlap of {} do not cover {}", length, overlap,
           frames);
  if (frames <= length) return {{0, frames}};
  const int64_t advance = length - overlap;
  const int64_t count = (frames - overlap + advance - 1) / advance;
  std::vector<ClipSegment> segments;
  for (int64_t i = 0; i < count; ++i)
    segments.push_back({i * (frames - length) / (count - 1), length});
  return segments;
}

std::vector<float> SegmentWeights(const std::vector<ClipSegment>& segments, size_t index) {
  const ClipSegment& segment = segments.at(index);
  const int64_t frames = segments.back().end();
  std::vector<float> weights;
  for (int64_t frame = segment.begin; frame < segment.end(); ++frame) {
    double sum = 0;
    for (const ClipSegment& other : segments) {
      if (Holds(other, frame)) sum += RawWeight(other, frame, frames);
    }
    weights.push_back(static_cast<float>(RawWeight(segment, frame, frames) / sum));
  }
  return weights;
}

}  // namespace t3
