// Encoding by windows.
#include "pipeline/encode_clip.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "base/check.h"
#include "pipeline/decode.h"
#include "pipeline/row_spool.h"
#include "runtime/device.h"

namespace t3 {
namespace {

// The first frame of latent frame t; latent frame 0 has one frame, the others have four.
int64_t FirstFrame(int64_t t) { return t == 0 ? 0 : VaeConfig::kTimeStride * (t - 1) + 1; }

// The clip's latest frames on disk, as a ring.
class FrameRing {
 public:
  FrameRing(const SourceClip& clip, int64_t capacity, const std::string& folder)
      : reader_(clip.Read()),
        capacity_(capacity),
        spool_(folder, capacity, clip.height(), clip.width()),
        frame_(at::empty({3, clip.height(), clip.width()}, at::kFloat)) {}

  // Reads on to frame `last`.
  void ReadTo(int64_t last, const std::function<void()>& poll) {
    for (; next_ <= last; ++next_) {
      reader_->Next(frame_.mutable_data_ptr<float>());
      spool_.WriteFrame(next_ % capacity_, frame_.const_data_ptr<float>());
      poll();
    }
  }

  // Frames [first, first + count) as (3,count,H,W).
  at::Tensor Frames(int64_t first, int64_t count) const {
    const at::Tensor frames = at::empty({3, count, spool_.height(), spool_.width()}, at::kFloat);
    for (int64_t i = 0; i < count; ++i) {
      spool_.ReadFrame((first + i) % capacity_, frame_.mutable_data_ptr<float>());
      frames.select(1, i).copy_(frame_);
    }
    return frames;
  }

 private:
  std::unique_ptr<SourceReader> reader_;
  int64_t capacity_;
  RowSpool spool_;
  at::Tensor frame_;
  int64_t next_ = 0;
};

}  // namespace

std::vector<ClipSegment> EncodeWindows(int64_t frames, int64_t window) {
  T3_CHECK(window > kEncoderWarmUp || frames <= window,
           "windows of {} latent frames have no room for {} of warm-up", window, kEncoderWarmUp);
  std::vector<ClipSegment> windows{{0, std::min(frames, window)}};
  while (windows.back().end() < frames) {
    const int64_t begin = windows.back().end() - kEncoderWarmUp;
    windows.push_back({begin, std::min(window, frames - begin)});
  }
  return windows;
}

at::Tensor EncodeClip(const Vae& vae, const SourceClip& clip, int64_t latent_frames, int64_t window,
                      const std::string& folder, Stage& stage) {
  const c10::NoGradGuard no_grad;
  const VaeConfig& config = vae.config();
  const int64_t h = clip.height() / config.spatial_stride();
  const int64_t w = clip.width() / config.spatial_stride();
  const at::Tensor latents = at::empty({config.latent_channels, latent_frames, h, w}, at::kFloat);
  const std::vector<ClipSegment> windows = EncodeWindows(latent_frames, window);
  FrameRing ring(clip, FirstFrame(windows.front().length), folder);
  const auto poll = [&] { stage.context().CheckCancelled(); };
  for (const ClipSegment& part : windows) {
    // The clip of a window begins with the last frame of its first latent frame, alone.
    const int64_t origin = FirstFrame(part.begin + 1) - 1;
    ring.ReadTo(FirstFrame(part.end()) - 1, poll);
    const EncodePlan plan =
        PlanEncode(config, {part.length, h, w}, vae.element_bytes(), DecodeBudget(stage.context()));
    int64_t read = 0;  // frames, once for each slab
    const auto frames = [&](int64_t frame, int64_t count) {
      stage.Advance(origin + read / std::ssize(plan.slabs));
      read += count;
      return ring.Frames(origin + frame, count);
    };
    const at::Tensor encoded = vae.EncodeFrom(plan, frames, poll);
    const int64_t skipped = part.begin == 0 ? 0 : kEncoderWarmUp;
    latents.narrow(1, part.begin + skipped, part.length - skipped)
        .copy_(encoded.narrow(1, skipped, part.length - skipped));
  }
  stage.Advance(FirstFrame(latent_frames));
  return latents;
}

}  // namespace t3
