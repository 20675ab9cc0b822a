// Frames as the published code reads them: 8-bit pictures; and which frames image networks see.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "media/image.h"
#include "score/metric.h"

namespace t3 {

Image PictureOf(const ScoreFrame& frame);

// (3,height,width), uint8, in memory of its own.
at::Tensor TensorOf(const Image& picture);

// Networks that score single pictures see this many frames of a clip, or all of a shorter one.
inline constexpr int64_t kScoredFrames = 16;

// Whether frame `index` of `frames` is one of them: the middles of kScoredFrames equal parts.
bool IsScoredFrame(int64_t index, int64_t frames);

}  // namespace t3
