// Drawn and read pictures.
#include "pipeline/preview_pictures.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <random>

#include "base/check.h"
#include "media/video_reader.h"
#include "sampling/noise.h"

namespace t3 {
namespace {

constexpr int64_t kPictures = 32;
constexpr int64_t kDrawn = 24;
constexpr int64_t kLatentSide = 8;
constexpr int64_t kShapes = 6;

at::Tensor DrawPicture(uint64_t seed, int64_t side) {
  std::mt19937 random(static_cast<std::mt19937::result_type>(seed));
  const auto below = [&](int64_t end) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(end));
  };
  at::Tensor picture = at::upsample_bicubic2d(TorchNoise(seed, {1, 3, 4, 4}), {side, side},
                                              /*align_corners=*/true)
                           .squeeze(0)
                           .mul(0.6);
  const at::Tensor colours = TorchNoise(seed + 1000, {kShapes, 3, 1, 1});
  for (int64_t i = 0; i < kShapes; ++i) {
    const int64_t height = side / 8 + below(side / 3);
    const int64_t width = side / 8 + below(side / 3);
    picture.narrow(1, below(side - height), height)
        .narrow(2, below(side - width), width)
        .copy_(colours[i].mul(0.7).expand({3, height, width}));
  }
  return picture.clamp(-1, 1);
}

}  // namespace

std::vector<at::Tensor> DrawPictures(int64_t stride) {
  std::vector<at::Tensor> pictures;
  for (int64_t i = 0; i < kDrawn; ++i) {
    pictures.push_back(DrawPicture(static_cast<uint64_t>(i), kLatentSide * stride));
  }
  return pictures;
}

std::vector<at::Tensor> ReadPictures(const std::string& path, int64_t stride) {
  const auto reader = VideoReader::Open(path);
  const VideoInfo& info = reader->info();
  const int64_t height = info.height / stride * stride;
  const int64_t width = info.width / stride * stride;
  T3_CHECK(height > 0 && width > 0, "{} has {}x{} pixels, wanted at least {} each way", path,
           info.width, info.height, stride);
  const int64_t every = std::max<int64_t>(1, info.frames.value_or(kPictures) / kPictures);
  std::vector<at::Tensor> pictures;
  at::Tensor frame = at::empty({3, info.height, info.width}, at::kFloat);
  for (int64_t i = 0; std::ssize(pictures) < kPictures && reader->Read(frame.data_ptr<float>());
       ++i) {
    if (i % every == 0) pictures.push_back(frame.narrow(1, 0, height).narrow(2, 0, width).clone());
  }
  T3_CHECK(pictures.size() >= 4, "{} has {} pictures, wanted at least 4", path, pictures.size());
  return pictures;
}

}  // namespace t3
