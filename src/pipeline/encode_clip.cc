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
#include "runtime/device.h"
#include "runtime/plan_file.h"

namespace t3 {
namespace {

// The first frame of latent frame t; latent frame 0 has one frame, the others have four.
int64_t FirstFrame(int64_t t) { return t == 0 ? 0 : VaeConfig::kTimeStride * (t - 1) + 1; }

constexpr const char* kReadPart = "reading and resizing";  // of the stage

// Where frames wait that are read again: nowhere because none is, on the device, or on disk.
enum class FrameStore { kNone, kDevice, kDisk };

FrameStore ChooseStore(const VaeConfig& config, const EncodePlan& plan, size_t windows,
                       at::Device device, int64_t budget) {
  if (windows == 1 && plan.slabs.size() == 1) return FrameStore::kNone;
  const bool fits = plan.memory.total + HeldFrameBytes(config, plan) <= budget;
  return device.is_cuda() && fits ? FrameStore::kDevice : FrameStore::kDisk;
}

// The latest `capacity` frames of a clip, in 16 bits.
class LatestFrames {
 public:
  LatestFrames(const SourceClip& clip, int64_t capacity, FrameStore store,
               const std::string& folder, at::Device device)
      : capacity_(capacity), device_(device) {
    if (store == FrameStore::kDevice) held_.resize(static_cast<size_t>(capacity));
    if (store == FrameStore::kDisk) spool_.emplace(folder, capacity, clip.height(), clip.width());
  }

  void Keep(int64_t index, const at::Tensor& codes) {
    if (spool_) {
      spool_->Write(index % capacity_, codes.cpu().contiguous().const_data_ptr<int16_t>());
    } else if (!held_.empty()) {
      held_[Slot(index)] = codes;
    }
  }

  at::Tensor Codes(int64_t index) const {
    if (!spool_) return held_[Slot(index)];
    const at::Tensor codes = at::empty({3, spool_->height(), spool_->width()}, at::kShort);
    spool_->Read(index % capacity_, codes.mutable_data_ptr<int16_t>());
    return codes.to(device_);
  }

 private:
  size_t Slot(int64_t index) const { return static_cast<size_t>(index % capacity_); }

  int64_t capacity_;
  at::Device device_;
  std::vector<at::Tensor> held_;
  std::optional<RowSpool> spool_;
};

// Frames for one window after the other.
class WindowFrames {
 public:
  // Windows of `capacity` frames, each read once or more.
  WindowFrames(const SourceClip& clip, int64_t capacity, FrameStore store,
               const std::string& folder, at::Device device)
      : pass_(clip, device), latest_(clip, capacity, store, folder, device) {}

  // Frames [first, first + count) as (3,count,H,W).
  at::Tensor Frames(int64_t first, int64_t count) {
    std::vector<at::Tensor> frames;
    for (int64_t frame = first; frame < first + count; ++frame) {
      while (next_ < frame) ReadNext();
      frames.push_back(FrameValues(frame == next_ ? ReadNext() : latest_.Codes(frame)));
    }
    return at::stack(frames, 1);
  }

 private:
  // In 16 bits, so that the encoder's bits do not depend on where frames wait.
  at::Tensor ReadNext() {
    const at::Tensor codes = FrameCodes(pass_.Next());
    latest_.Keep(next_++, codes);
    return codes;
  }

  ClipPass pass_;
  LatestFrames latest_;
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
  const RunContext& context = stage.context();
  const VaeConfig& config = encoder.vae().config();
  const int64_t h = clip.height() / config.spatial_stride();
  const int64_t w = clip.width() / config.spatial_stride();
  const at::Tensor latents = at::empty({config.latent_channels, latent_frames, h, w}, at::kFloat);
  const std::vector<ClipSegment> windows = EncodeWindows(latent_frames, window);
  const int64_t budget = DecodeBudget(context);
  EncodePlan plan = encoder.PlanFor({windows.front().length, h, w}, budget);
  WindowFrames frames(clip, FirstFrame(windows.front().length),
                      ChooseStore(config, plan, windows.size(), context.device, budget), folder,
                      context.device);
  DevicePacer pacer(context.device);
  for (const ClipSegment& part : windows) {
    if (part.length != plan.latent.t) plan = encoder.PlanFor({part.length, h, w}, budget);
    // The clip of a window begins with the last frame of its first latent frame, alone.
    const int64_t origin = FirstFrame(part.begin + 1) - 1;
    int64_t read = 0;  // frames, once for each slab
    const auto source = [&](int64_t frame, int64_t count) {
      pacer.Wait();  // so that stopping waits for little
      stage.Advance(origin + read / std::ssize(plan.slabs));
      read += count;
      return stage.Part(kReadPart, [&] { return frames.Frames(origin + frame, count); });
    };
    const at::Tensor encoded = encoder.Encode(plan, source, [&] { context.CheckCancelled(); });
    const int64_t skipped = part.begin == 0 ? 0 : kEncoderWarmUp;
    latents.narrow(1, part.begin + skipped, part.length - skipped)
        .copy_(encoded.narrow(1, skipped, part.length - skipped));
  }
  KeepPlans();
  stage.Advance(FirstFrame(latent_frames));
  return latents;
}

}  // namespace t3
