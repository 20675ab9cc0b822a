// Colour of frames.
#pragma once

#include "score/per_frame.h"

namespace t3 {

// colorfulness, saturation of a frame.
FrameValues ColorOf(const ScoreFrame& frame);

}  // namespace t3
