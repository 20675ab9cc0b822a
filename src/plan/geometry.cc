// Sizes of a video in pixels, latents and tokens.
#include "plan/geometry.h"

#include "base/check.h"

namespace t3 {
namespace {

int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

void CheckFrames(int64_t frames) {
  constexpr int64_t kStride = VaeConfig::kTimeStride;
  constexpr int64_t kMax = kStride * (kMaxPositions - 1) + 1;
  if (frames < 1) FailUsage("{} frames were requested; the minimum is 1", frames);
  if (frames > kMax) {
    FailUsage("{} frames were requested; the model has positions for {}", frames, kMax);
  }
  if (frames % kStride != 1) {
    const int64_t below = (frames - 1) / kStride * kStride + 1;
    FailUsage(
        "{} frames were requested; the model generates 4n+1 frames: {} and {} are the nearest",
        frames, below, below + kStride);
  }
}

void CheckSide(int64_t pixels, const char* side, int64_t multiple) {
  if (pixels < 1) FailUsage("a video {} pixels {} was requested; the minimum is 1", pixels, side);
  if (pixels > kMaxPositions * multiple) {
    FailUsage("a video {} pixels {} was requested; the model has positions for {}", pixels, side,
              kMaxPositions * multiple);
  }
}

}  // namespace

VideoGeometry PlanVideo(int64_t width, int64_t height, int64_t frames, const VaeConfig& vae) {
  const int64_t stride = vae.spatial_stride();
  const int64_t multiple = 2 * stride;
  CheckSide(width, "wide", multiple);
  CheckSide(height, "high", multiple);
  CheckFrames(frames);
  const Grid latent{(frames - 1) / VaeConfig::kTimeStride + 1, RoundUp(height, multiple) / stride,
                    RoundUp(width, multiple) / stride};
  return CroppedTo(WholeVideo(latent, vae), width, height);
}

VideoGeometry CroppedTo(const VideoGeometry& whole, int64_t width, int64_t height) {
  T3_CHECK(width <= whole.padded_width && height <= whole.padded_height,
           "{}x{} does not fit in a video of {}x{}", width, height, whole.padded_width,
           whole.padded_height);
  VideoGeometry video = whole;
  video.width = width;
  video.height = height;
  video.crop_x = (video.padded_width - width) / 2;
  video.crop_y = (video.padded_height - height) / 2;
  return video;
}

VideoGeometry PlanWindowedVideo(int64_t width, int64_t height, int64_t frames, const VaeConfig& vae,
                                const Grid& trained) {
  const VideoGeometry video = PlanVideo(width, height, frames, vae);
  const auto just_above = [](int64_t size, int64_t wanted) {
    return size == wanted || size == wanted + 1;
  };
  for (const Grid& grid : {trained, Grid{trained.t, trained.w, trained.h}}) {
    if (grid.t == video.grid.t && just_above(grid.h, video.grid.h) &&
        just_above(grid.w, video.grid.w)) {
      return CroppedTo(WholeVideo({grid.t, 2 * grid.h, 2 * grid.w}, vae), width, height);
    }
  }
  return video;
}

VideoGeometry WholeVideo(const Grid& latent, const VaeConfig& vae) {
  T3_CHECK(latent.t > 0 && latent.h > 0 && latent.w > 0,
           "latents of {}x{}x{} do not contain a video", latent.t, latent.h, latent.w);
  VideoGeometry video;
  video.padded_width = video.width = latent.w * vae.spatial_stride();
  video.padded_height = video.height = latent.h * vae.spatial_stride();
  video.frames = VaeConfig::kTimeStride * (latent.t - 1) + 1;
  video.latent = latent;
  video.grid = {latent.t, latent.h / 2, latent.w / 2};
  return video;
}

}  // namespace t3
