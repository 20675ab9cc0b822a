// Decoding, scaling and cropping.
#include "training/data/clip_reader.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "media/image.h"

namespace t3 {
namespace {

uint8_t ToByte(float value) {
  return static_cast<uint8_t>(std::lround((std::clamp(value, -1.f, 1.f) + 1) * 127.5f));
}

Image ToImage(const std::vector<float>& planes, int64_t width, int64_t height) {
  Image image{width, height, std::vector<uint8_t>(planes.size())};
  const size_t pixels = static_cast<size_t>(width * height);
  for (size_t c = 0; c < 3; ++c) {
    for (size_t i = 0; i < pixels; ++i) image.rgb[3 * i + c] = ToByte(planes[c * pixels + i]);
  }
  return image;
}

void ToPlanes(const Image& image, float* planes) {
  const size_t pixels = static_cast<size_t>(image.width * image.height);
  for (size_t c = 0; c < 3; ++c) {
    for (size_t i = 0; i < pixels; ++i) {
      planes[c * pixels + i] = static_cast<float>(image.rgb[3 * i + c]) / 127.5f - 1;
    }
  }
}

}  // namespace

std::vector<Clip> ClipsOf(const Source& source, const ClipSettings& settings) {
  if (source.image) {
    const Image image = ReadImage(source.path);
    return {{ChooseClipSize(settings, image.width, image.height, 1, /*image=*/true), 0, {0}}};
  }
  const auto video = VideoReader::Open(source.path);
  return PlanClips(settings, video->info().width, video->info().height,
                   video->FrameTimes(settings.fps));
}

ClipReader::ClipReader(const Source& source, const Clip& clip) : source_(source), clip_(clip) {
  if (source_.image) return;
  video_ = VideoReader::Open(source_.path);
  decoded_.resize(static_cast<size_t>(3 * video_->info().width * video_->info().height));
}

at::Tensor ClipReader::Next(int64_t count) {
  const ClipSize& bucket = clip_.bucket;
  std::vector<at::Tensor> frames;
  for (int64_t i = 0; i < count; ++i) {
    const at::Tensor frame = at::empty({3, bucket.height, bucket.width}, at::kFloat);
    ReadFrame(frame.data_ptr<float>());
    frames.push_back(frame);
  }
  return at::stack(frames, 1);
}

void ClipReader::ReadFrame(float* planes) {
  const ClipSize& bucket = clip_.bucket;
  T3_CHECK(next_ < clip_.frames.size(), "{}: a clip of {} frames was read beyond its end",
           source_.path, clip_.frames.size());
  const int64_t wanted = clip_.frames[next_++];
  if (source_.image) {
    return ToPlanes(ResizeCover(ReadImage(source_.path), bucket.width, bucket.height), planes);
  }
  if (wanted != position_) {
    video_->SkipTo(wanted);
    T3_CHECK(video_->Read(decoded_.data()), "{} ends before its frame {}", source_.path, wanted);
    position_ = wanted;
  }
  const VideoInfo& info = video_->info();
  if (info.width == bucket.width && info.height == bucket.height) {
    std::copy(decoded_.begin(), decoded_.end(), planes);
  } else {
    const Image image = ToImage(decoded_, info.width, info.height);
    ToPlanes(ResizeCover(image, bucket.width, bucket.height), planes);
  }
}

at::Tensor ReadClip(const Source& source, const Clip& clip) {
  return ClipReader(source, clip).Next(clip.bucket.frames);
}

}  // namespace t3
