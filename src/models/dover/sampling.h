// Which frames and which parts of them DOVER sees.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/mix_bits.h"

namespace t3 {

inline constexpr int64_t kDoverClips = 3;  // parts of the video that the technical branch sees
inline constexpr int64_t kDoverClipFrames = 32;  // of each
inline constexpr int64_t kDoverInterval = 2;     // from one frame of a part to the next
inline constexpr int64_t kDoverFragments = 7;    // in each direction
inline constexpr int64_t kDoverFragment = 32;    // rows and columns of a fragment
inline constexpr int64_t kDoverSide = kDoverFragments * kDoverFragment;  // of both views, 224
// The published code draws from a generator without a seed; here the same draws come from
// MixSequence(kDoverSeed), each as Next() modulo its range, so that a score repeats.
inline constexpr uint64_t kDoverSeed = 42;

// Frame numbers of the views, in their order; a number may come several times. Technical:
// kDoverClips parts of kDoverClipFrames, every second frame from a random place of each third of
// the video. Aesthetic: one frame of each of kDoverClipFrames parts; of a video of fewer frames,
// all the first. Numbers beyond the end begin again. `frames` >= 1.
struct DoverFrames {
  std::vector<int64_t> technical;  // kDoverClips * kDoverClipFrames
  std::vector<int64_t> aesthetic;  // kDoverClipFrames
};
DoverFrames ChooseDoverFrames(int64_t frames, MixSequence* random);

// The top left corners of the fragments in a frame of height x width, of each technical part.
// Fragment (i, j) lies at a random place of field (i, j) of 7 x 7 fields.
struct DoverFragments {
  using Corners = std::array<std::array<int64_t, kDoverFragments>, kDoverFragments>;
  std::array<Corners, kDoverClips> rows;     // [part][i][j]
  std::array<Corners, kDoverClips> columns;  // likewise
};
// Draws for the first `parts` parts. Throws Error below kDoverFragment pixels.
DoverFragments ChooseDoverFragments(int64_t height, int64_t width, MixSequence* random,
                                    int64_t parts = kDoverClips);

}  // namespace t3
