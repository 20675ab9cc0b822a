// Sharpness: Laplacian variance, detail by scale, perceptual blur.
#pragma once

#include "score/per_frame.h"
#include "score/plane.h"

namespace t3 {

inline constexpr int64_t kMinDetailSide = 16, kMinBlurSide = 16;

// laplacian_var, hd_mse_2, hd_mse_4, hd_mse_8, hd_share of a frame.
FrameValues DetailOf(const ScoreFrame& frame);
// blur of a frame.
FrameValues BlurOf(const ScoreFrame& frame);

// Mean square of `picture`, cut to whole boxes of `scale` pixels, minus itself reduced by box means
// and enlarged bilinearly.
double LostByReducing(PlaneView picture, int64_t scale);

}  // namespace t3
