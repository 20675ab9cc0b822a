// Frames and fragments of DOVER, draw for draw in the published order.
#include "models/dover/sampling.h"

#include <algorithm>

#include "base/check.h"

namespace t3 {
namespace {

// The published sampler: `parts` parts of the video, `length` frames of each.
std::vector<int64_t> ChooseFrames(int64_t frames, int64_t parts, int64_t length,
                                  MixSequence* random) {
  const int64_t field = frames / parts;
  const int64_t slack = field - length * kDoverInterval;
  std::vector<int64_t> numbers;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t shift = slack > 0 ? static_cast<int64_t>(random->Next() % slack) : 0;
    for (int64_t i = 0; i < length; ++i) {
      numbers.push_back((part * field + shift + i * kDoverInterval) % frames);
    }
  }
  return numbers;
}

// Corners along one axis; `horizontal`: j counts the fields, not i.
void ChooseCorners(int64_t size, bool horizontal, int64_t parts, MixSequence* random,
                   std::array<DoverFragments::Corners, kDoverClips>* corners) {
  const int64_t field = size / kDoverFragments;
  const int64_t slack = field - kDoverFragment;
  for (size_t i = 0; i < kDoverFragments; ++i) {
    for (size_t j = 0; j < kDoverFragments; ++j) {
      const auto number = static_cast<int64_t>(horizontal ? j : i);
      const int64_t begin = std::min(field * number, size - kDoverFragment);
      for (int64_t part = 0; part < parts; ++part) {
        const int64_t shift = slack > 0 ? static_cast<int64_t>(random->Next() % slack) : 0;
        (*corners)[static_cast<size_t>(part)][i][j] = begin + shift;
      }
    }
  }
}

}  // namespace

DoverFrames ChooseDoverFrames(int64_t frames, MixSequence* random) {
  T3_CHECK(frames > 0, "DOVER got a video without frames");
  DoverFrames chosen;
  chosen.technical = ChooseFrames(frames, kDoverClips, kDoverClipFrames, random);
  chosen.aesthetic = ChooseFrames(frames, kDoverClipFrames, 1, random);
  return chosen;
}

DoverFragments ChooseDoverFragments(int64_t height, int64_t width, MixSequence* random,
                                    int64_t parts) {
  T3_CHECK(height >= kDoverFragment && width >= kDoverFragment,
           "DOVER got frames of {}x{} pixels, wanted at least {}x{}", width, height, kDoverFragment,
           kDoverFragment);
  DoverFragments fragments;
  ChooseCorners(height, /*horizontal=*/false, parts, random, &fragments.rows);
  ChooseCorners(width, /*horizontal=*/true, parts, random, &fragments.columns);
  return fragments;
}

}  // namespace t3
