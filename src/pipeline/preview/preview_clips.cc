// Drawn clips and clips of a video.
#include "pipeline/preview/preview_clips.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <random>

#include "base/check.h"
#include "base/text.h"
#include "media/image.h"
#include "media/video_reader.h"
#include "sampling/noise.h"

namespace t3 {
namespace {

constexpr int64_t kMaxClips = 8;
constexpr int64_t kDrawn = 16;
constexpr int64_t kDrawnSide = 8, kMaxSide = 16;  // in latents
constexpr int64_t kShapes = 6;

at::Tensor DrawClip(uint64_t seed, int64_t side) {
  std::mt19937 random(static_cast<std::mt19937::result_type>(seed));
  const auto below = [&](int64_t end) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(end));
  };
  // The window moves over a larger background, a pixel a frame.
  const int64_t wide = side + kPreviewFrames;
  const at::Tensor background = at::upsample_bicubic2d(TorchNoise(seed, {1, 3, 4, 4}), {wide, wide},
                                                       /*align_corners=*/true)
                                    .squeeze(0)
                                    .mul(0.6);
  at::Tensor clip = at::empty({3, kPreviewFrames, side, side});
  for (int64_t t = 0; t < kPreviewFrames; ++t) {
    clip.select(1, t).copy_(background.narrow(1, t, side).narrow(2, t, side));
  }
  const at::Tensor colours = TorchNoise(seed + 1000, {kShapes, 3, 1, 1});
  for (int64_t i = 0; i < kShapes; ++i) {
    const int64_t height = side / 8 + below(side / 3), width = side / 8 + below(side / 3);
    const int64_t y = below(side - height), x = below(side - width);
    const int64_t speed_y = below(5) - 2, speed_x = below(5) - 2;  // pixels a frame
    for (int64_t t = 0; t < kPreviewFrames; ++t) {
      const int64_t top = std::clamp<int64_t>(y + speed_y * t, 0, side - height);
      const int64_t left = std::clamp<int64_t>(x + speed_x * t, 0, side - width);
      clip.select(1, t)
          .narrow(1, top, height)
          .narrow(2, left, width)
          .copy_(colours[i].mul(0.7).expand({3, height, width}));
    }
  }
  return clip.clamp(-1, 1);
}

}  // namespace

std::vector<at::Tensor> DrawClips(int64_t stride) {
  std::vector<at::Tensor> clips;
  for (int64_t i = 0; i < kDrawn; ++i) {
    clips.push_back(DrawClip(static_cast<uint64_t>(i), kDrawnSide * stride));
  }
  return clips;
}

std::vector<at::Tensor> ReadClips(const std::string& path, int64_t stride) {
  const auto reader = VideoReader::Open(path);
  const VideoInfo& info = reader->info();
  const int64_t height = std::min(info.height / stride, kMaxSide) * stride;
  const int64_t width = std::min(info.width / stride, kMaxSide) * stride;
  T3_CHECK(height > 0 && width > 0, "{} has {}x{} pixels, wanted at least {} each way", path,
           info.width, info.height, stride);
  const int64_t frames = std::ssize(reader->FrameTimes(/*otherwise_fps=*/24));
  T3_CHECK(frames > kPreviewFrames, "{} has {}, wanted at least {}", path, Counted(frames, "frame"),
           kPreviewFrames + 1);
  const int64_t count = std::clamp<int64_t>(frames / kPreviewFrames, 2, kMaxClips);
  std::vector<float> planes(static_cast<size_t>(3 * info.height * info.width));
  std::vector<at::Tensor> clips;
  for (int64_t i = 0; i < count; ++i) {
    reader->SeekTo(i * (frames - kPreviewFrames) / (count - 1));
    const at::Tensor clip = at::empty({kPreviewFrames, 3, height, width});
    for (int64_t t = 0; t < kPreviewFrames; ++t) {
      T3_CHECK(reader->Read(planes.data()), "{} ends before its last frame", path);
      ToPlanes(ResizeCover(ImageOfPlanes(planes.data(), info.width, info.height), width, height),
               clip[t].data_ptr<float>());
    }
    clips.push_back(clip.transpose(0, 1).contiguous());
  }
  return clips;
}

}  // namespace t3
