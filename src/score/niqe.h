// NIQE: distance of a picture's statistics from those of natural pictures
// (Mittal, Soundararajan and Bovik, IEEE Signal Processing Letters 20(3), 2013).
#pragma once

#include "score/per_frame.h"
#include "score/plane.h"

namespace t3 {

inline constexpr int64_t kMinNiqeSide = 193;  // two patches of 96 pixels, and one pixel

// The distance of one picture, luma in levels. Throws Error below kMinNiqeSide.
double NiqeOf(PlaneView luma);
FrameValues NiqeOfFrame(const ScoreFrame& frame);

}  // namespace t3
