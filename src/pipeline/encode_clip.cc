// Encoding by windows.
#include "pipeline/encode_clip.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/check.h"
#include "pipeline/decode.h"
#include "pipeline/frame_codes.h"
#include "pipeline/row_spool.h"

namespace t3 {
namespace {

// The first frame of latent frame t; latent frame 0 has one frame, the others have four.
int64_t FirstFrame(int64_t t) { return t == 0 ? 0 : VaeConfig::kTimeStride * (t - 1) + 1; }

// Frames for one window after the other.
class WindowFrames {
 public:
  // Windows of `capacity` frames, each read once or more. The latest frames are on disk if a frame
  // is needed twice.
  WindowFrames(const SourceClip& clip, int64_t capacity, bool spooled, const std::string& folder,
               at::Device device)
      : pass_(clip, device), capacity_(capacity), device_(device) {
    if (spooled) spool_.emplace(folder, capacity, clip.height(), clip.width());
  }

  // Frames [first, first + count) as (3,count,H,W).
  at::Tensor Frames(int64_t first, int64_t count) {
    std::vector<at::Tensor> frames;
    for (int64_t frame = first; frame < first + count; ++frame) {
      while (next_ < frame) ReadNext();
      frames.push_back(frame == next_ ? ReadNext() : Spooled(frame));
    }
    return at::stack(frames, 1);
  }

 private:
  // As a spool has it, so that the bits do not depend on whether there is one.
  at::Tensor ReadNext() {
    const at::Tensor codes = FrameCodes(pass_.Next());
    if (spool_) {
      spool_->Write(next_ % capacity_, codes.cpu().contiguous().const_data_ptr<int16_t>());
    }
    ++next_;
    return FrameValues(codes);
  }

  at::Tensor Spooled(int64_t index) const {
    const at::Tensor codes = at::empty({3, spool_->height(), spool_->width()}, at::kShort);
    spool_->Read(index % capacity_, codes.mutable_data_ptr<int16_t>());
    return FrameValues(codes.to(device_));
  }

  ClipPass pass_;
  int64_t capacity_;
  at::Device device_;
  std::optional<RowSpool> spool_;
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

at::Tensor EncodeClip(const ClipEncoder& encoder, const SourceClip& clip, int64_t latent_frames,
                      int64_t window, const std::string& folder, Stage& stage) {
  const c10::NoGradGuard no_grad;
  const VaeConfig& config = encoder.vae().config();
  const int64_t h = clip.height() / config.spatial_stride();
  const int64_t w = clip.width() / config.spatial_stride();
  const at::Tensor latents = at::empty({config.latent_channels, latent_frames, h, w}, at::kFloat);
  const std::vector<ClipSegment> windows = EncodeWindows(latent_frames, window);
  const auto plan_for = [&](int64_t length) {
    return encoder.PlanFor({length, h, w}, DecodeBudget(stage.context()));
  };
  EncodePlan plan = plan_for(windows.front().length);
  const bool twice = windows.size() > 1 || plan.slabs.size() > 1;
  WindowFrames frames(clip, FirstFrame(windows.front().length), twice, folder,
                      stage.context().device);
  for (const ClipSegment& part : windows) {
    if (part.length != plan.latent.t) plan = plan_for(part.length);
    // The clip of a window begins with the last frame of its first latent frame, alone.
    const int64_t origin = FirstFrame(part.begin + 1) - 1;
    int64_t read = 0;  // frames, once for each slab
    const auto source = [&](int64_t frame, int64_t count) {
      stage.Advance(origin + read / std::ssize(plan.slabs));
      read += count;
      return frames.Frames(origin + frame, count);
    };
    const at::Tensor encoded =
        encoder.Encode(plan, source, [&] { stage.context().CheckCancelled(); });
    const int64_t skipped = part.begin == 0 ? 0 : kEncoderWarmUp;
    latents.narrow(1, part.begin + skipped, part.length - skipped)
        .copy_(encoded.narrow(1, skipped, part.length - skipped));
  }
  stage.Advance(FirstFrame(latent_frames));
  return latents;
}

}  // namespace t3
