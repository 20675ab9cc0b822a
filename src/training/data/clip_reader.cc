// Decoding, scaling and cropping.
#include "training/data/clip_reader.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace t3 {
std::vector<Clip> ClipsOf(const Source& source, const ClipSettings& settings) {
  if (source.image) {
    const Image image = ReadImage(source.path);
    return {{ChooseClipSize(settings, image.width, image.height, 1, /*image=*/true), 0, {0}}};
  }
  const auto video = VideoReader::Open(source.path);
  return PlanClips(settings, video->info().width, video->info().height,
                   video->FrameTimes(settings.fps));
}

ClipReader::ClipReader(Source source) : source_(std::move(source)) {
  if (source_.image) return;
  video_ = VideoReader::Open(source_.path);
  decoded_.resize(static_cast<size_t>(3 * video_->info().width * video_->info().height));
}

void ClipReader::Start(const Clip& clip) {
  clip_ = clip;
  next_ = 0;
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
    if (image_.rgb.empty()) image_ = ReadImage(source_.path);
    return ToPlanes(ResizeCover(image_, bucket.width, bucket.height), planes);
  }
  if (wanted != position_) {
    position_ = -1;  // decoded_ changes, whatever happens
    video_->SeekTo(wanted);
    T3_CHECK(video_->Read(decoded_.data()), "{} ends before its frame {}", source_.path, wanted);
    position_ = wanted;
  }
  const VideoInfo& info = video_->info();
  if (info.width == bucket.width && info.height == bucket.height) {
    std::copy(decoded_.begin(), decoded_.end(), planes);
  } else {
    const Image image = ImageOfPlanes(decoded_.data(), info.width, info.height);
    ToPlanes(ResizeCover(image, bucket.width, bucket.height), planes);
  }
}

}  // namespace t3
