// From the video that is asked for to the video that the model makes: pixels, latents, tokens.
#pragma once

#include <cstdint>

#include "config/geometry.h"
#include "config/model_config.h"

namespace t3 {

// Positions that RoPE has on each axis of the token grid.
inline constexpr int64_t kMaxPositions = 1024;

struct VideoGeometry {
  int64_t width = 0;  // pixels of the video that is written
  int64_t height = 0;
  int64_t frames = 1;
  int64_t made_width = 0;  // pixels of the video that the model makes, never smaller
  int64_t made_height = 0;
  int64_t crop_x = 0;  // of the written video's left upper corner in the made one
  int64_t crop_y = 0;
  Grid latent;  // T, h, w of the latents
  Grid grid;    // tokens: latents in patches of (1,2,2)
};

// Sizes that the model cannot make become the next multiple of 2 * vae.spatial_stride() (16 pixels
// with VAE 2.1, 32 with 2.2), cropped centrally. Throws Error of kind kUsage when a size is not
// positive, frames are not 4n+1 (the message names the nearest that are), or the grid has more than
// kMaxPositions on an axis.
VideoGeometry PlanVideo(int64_t width, int64_t height, int64_t frames, const VaeConfig& vae);

// All that latents of T, h, w decode to, uncropped. h and w may be odd here, for latents that come
// from elsewhere than this DiT; `grid` is then rounded down.
VideoGeometry WholeVideo(const Grid& latent, const VaeConfig& vae);

// The central part of width x height pixels of a whole video, which is at least as large.
VideoGeometry CroppedTo(const VideoGeometry& whole, int64_t width, int64_t height);

// As PlanVideo for windowed weights whose windows were published for `trained`: where that grid, or
// its transpose, is at most one token larger on each side, the video is made on it and cropped, so
// that 3840x2160 is made with the windows of 3840x2176, which the weights know.
VideoGeometry PlanWindowedVideo(int64_t width, int64_t height, int64_t frames, const VaeConfig& vae,
                                const Grid& trained);

}  // namespace t3
