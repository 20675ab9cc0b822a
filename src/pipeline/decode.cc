// The decode stage: by a plan from the memory that is there, straight into the file.
#include "pipeline/decode.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/json.h"
#include "base/text.h"
#include "loading/tensor_file.h"
#include "media/queued_writer.h"
#include "models/decoder/frame_assembler.h"
#include "pipeline/clip_colors.h"
#include "pipeline/frame_codes.h"
#include "pipeline/row_spool.h"
#include "plan/memory.h"
#include "runtime/convolution_file.h"
#include "runtime/device.h"

namespace t3 {
namespace {

// Decoded pixels (3,n,h,W) that start at row `row` of the made video, cut to what is written.
struct CroppedRows {
  at::Tensor pixels;  // a view
  int64_t row = 0;    // of the written video
};

CroppedRows Crop(const at::Tensor& pixels, int64_t row, const VideoGeometry& geometry) {
  const int64_t begin = std::max(row, geometry.crop_y);
  const int64_t end = std::min(row + pixels.size(2), geometry.crop_y + geometry.height);
  return {pixels.narrow(2, std::min(begin - row, pixels.size(2)), std::max<int64_t>(end - begin, 0))
              .narrow(3, geometry.crop_x, geometry.width),
          begin - geometry.crop_y};
}

at::Tensor EmptyVideo(const VideoGeometry& geometry, at::Device device) {
  return at::empty({3, geometry.frames, geometry.height, geometry.width},
                   at::TensorOptions(device).dtype(at::kFloat));
}

FrameView ViewOf(const at::Tensor& frame) {  // (3,h,w), contiguous
  FrameView view;
  view.height = frame.size(1);
  view.width = frame.size(2);
  view.row_stride = view.width;
  for (int64_t c = 0; c < 3; ++c) {
    view.planes[c] = frame.const_data_ptr<float>() + c * view.height * view.width;
  }
  return view;
}

// Frames to a function of the caller's.
class SinkWriter : public VideoWriter {
 public:
  explicit SinkWriter(const FrameSink& sink) : sink_(sink) {}
  void Write(const FrameView& frame) override {
    const auto values = static_cast<size_t>(3 * frame.height * frame.width);
    sink_({index_++, frame.width, frame.height, {frame.planes[0], values}});
  }
  void Finish() override {}

 private:
  const FrameSink& sink_;
  int64_t index_ = 0;
};

std::unique_ptr<VideoWriter> OpenWriter(const DecodeTarget& target) {
  if (target.output.sink) return std::make_unique<SinkWriter>(target.output.sink);
  return OpenVideoWriter(target.output.path, SettingsOf(target));
}

QueuedFrame Queued(const at::Tensor& frame, std::function<void()> wait) {
  return {ViewOf(frame), std::make_shared<at::Tensor>(frame), std::move(wait)};
}

int64_t VideoBytes(const VideoGeometry& geometry) {
  return 3 * geometry.frames * geometry.height * geometry.width * kFloatBytes;
}

// Where decoded frames go: to a file as they come, or to a tensor of the whole video.
enum class DecodedTo { kFile, kTensor };

// On a CPU frames that wait, or the video, are in the same memory.
int64_t BudgetBesideFrames(const RunContext& context, const VideoGeometry& geometry,
                           DecodedTo store) {
  const int64_t budget = DecodeBudget(context);
  if (context.device.is_cuda()) return budget;
  return budget - (store == DecodedTo::kFile ? WaitingFrameBytes(geometry) : VideoBytes(geometry));
}

// One decode: what its kinds of output share.
class DecodeRun {
 public:
  DecodeRun(const VideoDecoder& decoder, const at::Tensor& latents, const DecodeTarget& target,
            Stage& stage, DecodedTo store)
      : target_(target),
        stage_(stage),
        device_(stage.context().device),
        frames_(target.geometry.frames),
        latents_(latents.narrow(1, 0, (frames_ + 2) / VaeConfig::kTimeStride + 1)),
        plan_(decoder.PlanFor({latents_.size(1), latents_.size(2), latents_.size(3)},
                              BudgetBesideFrames(stage.context(), target.geometry, store))),
        pacer_(device_) {
    stage_.set_total(frames_);
  }

  void ToTensor(const at::Tensor& video) {
    int64_t decoded = 0;  // rows of frames
    Decode([&](const DecodedRows& rows) {
      const CroppedRows part = Crop(rows.pixels, rows.row, target_.geometry);
      const int64_t count = FramesWanted(rows);
      if (count == 0) return;  // a frame after the last that is wanted
      video.narrow(1, rows.frame, count)
          .narrow(2, part.row, part.pixels.size(2))
          .copy_(part.pixels.narrow(1, 0, count));
      decoded += count * rows.pixels.size(2);
      stage_.Advance(decoded / target_.geometry.padded_height);
    });
  }

  void ToTensorFile() {
    const at::Tensor video = EmptyVideo(target_.geometry, at::kCPU);
    ToTensor(video);
    SaveTensors(target_.output.path, {{"video", video}}, target_.metadata);
  }

  void ToVideo(QueuedWriter& writer) {
    plan_.order == DecodeOrder::kFramesOuter ? FramesToVideo(writer) : SlabsToVideo(writer);
    writer.Finish(Poll());
  }

 private:
  void Decode(const RowSink& sink) { plan_.run(latents_, sink, Poll()); }

  // Waits for all but the latest work on the device, so that stopping waits for little.
  std::function<void()> Poll() {
    return [this] {
      pacer_.Wait();
      stage_.context().CheckCancelled();
    };
  }

  // Of the frames of a chunk, those up to the last that is wanted.
  int64_t FramesWanted(const DecodedRows& rows) const {
    return std::clamp<int64_t>(frames_ - rows.frame, 0, rows.pixels.size(1));
  }

  void FramesToVideo(QueuedWriter& writer) {
    int64_t written = 0;
    ClipColors colors(target_.colors.get(), target_.geometry, device_);
    FrameAssembler assembler(target_.geometry.padded_height, [&](const at::Tensor& frames) {
      const at::Tensor part = Crop(frames, 0, target_.geometry).pixels;
      for (int64_t i = 0; i < part.size(1) && written < frames_; ++i, ++written) {
        Write(colors, part.select(1, i), writer);
      }
      stage_.Advance(written);
    });
    Decode([&](const DecodedRows& rows) { assembler.Add(rows); });
  }

  // Rows go to disk as they come, frames from there to the writer; each is half of the progress.
  void SlabsToVideo(QueuedWriter& writer) {
    const VideoGeometry& geometry = target_.geometry;
    RowSpool spool(SpoolFolder(target_.output.path), frames_, geometry.height, geometry.width);
    stage_.set_total(2 * frames_);
    int64_t decoded = 0;  // rows of frames
    Decode([&](const DecodedRows& rows) {
      decoded += FramesWanted(rows) * rows.pixels.size(2);
      Spool(rows, spool);
      stage_.Advance(decoded / geometry.padded_height);
    });
    ClipColors colors(target_.colors.get(), geometry, device_);
    for (int64_t t = 0; t < frames_; ++t) {
      const at::Tensor codes = at::empty({3, geometry.height, geometry.width}, at::kShort);
      spool.Read(t, codes.mutable_data_ptr<int16_t>());
      Write(colors, FrameValues(target_.colors ? codes.to(device_) : codes), writer);
      stage_.Advance(frames_ + t + 1);
    }
  }

  // A frame (3,h,w) that takes the colors of the next frame of the clip, if there is one.
  void Write(ClipColors& colors, at::Tensor frame, QueuedWriter& writer) {
    if (target_.colors) frame = stage_.Part("matching colors", [&] { return colors.Match(frame); });
    auto [host, wait] = CopyToHost(frame);
    writer.Write(Queued(host, wait), Poll());
  }

  void Spool(const DecodedRows& rows, RowSpool& spool) const {
    const CroppedRows part = Crop(rows.pixels, rows.row, target_.geometry);
    const at::Tensor codes = FrameCodes(part.pixels).cpu().contiguous();
    const int64_t count = codes.size(2), width = codes.size(3);
    for (int64_t c = 0; c < 3 && count > 0; ++c) {
      for (int64_t t = 0; t < FramesWanted(rows); ++t) {
        spool.Write(rows.frame + t, c, part.row, count,
                    codes.const_data_ptr<int16_t>() + (c * codes.size(1) + t) * count * width);
      }
    }
  }

  // A frame (3,h,w) in host memory and how to wait for it: a copy from a GPU only begins here.
  std::pair<at::Tensor, std::function<void()>> CopyToHost(const at::Tensor& frame) const {
    if (!frame.is_cuda()) return {frame.contiguous(), {}};
    const at::Tensor host =
        at::empty(frame.sizes(), at::TensorOptions().dtype(at::kFloat).pinned_memory(true));
    host.copy_(frame, /*non_blocking=*/true);
    return {host, WhenDone(device_)};
  }

  const DecodeTarget& target_;
  Stage& stage_;
  at::Device device_;
  int64_t frames_;
  at::Tensor latents_;
  PlannedDecode plan_;
  DevicePacer pacer_;
};

// Plans a decode by what memory there is and has `use` do it.
template <typename Use>
void RunDecode(const VideoDecoder& decoder, const at::Tensor& latents, const DecodeTarget& target,
               Stage& stage, DecodedTo store, Use use) {
  const c10::NoGradGuard no_grad;
  ReleaseCachedMemory(stage.context().device);
  UseKeptConvolutionPlans();
  DecodeRun run(decoder, latents, target, stage, store);
  use(run);
  KeepConvolutionPlans();
}

}  // namespace

std::string SpoolFolder(const std::string& output) {
  if (output.empty()) return std::filesystem::temp_directory_path();
  const auto folder = std::filesystem::absolute(output).lexically_normal();
  return (folder.has_filename() ? folder : folder.parent_path()).parent_path();
}

VideoSettings SettingsOf(const DecodeTarget& target) {
  VideoSettings settings;
  settings.width = target.geometry.width;
  settings.height = target.geometry.height;
  settings.frames = target.geometry.frames;
  settings.fps = target.fps;
  settings.codec = target.output.file.codec;
  settings.crf = target.output.file.crf;
  settings.pixel_format = target.output.file.pixel_format;
  settings.audio_from = target.audio_from;
  // One entry that every container keeps: players show `comment`, programs parse it.
  if (!target.metadata.empty()) settings.metadata["comment"] = DumpJson(target.metadata);
  return settings;
}

void CheckFps(double fps) {
  constexpr double kMaxFps = 1000;
  if (!(fps > 0 && fps <= kMaxFps))
    FailUsage("`fps` {} is not above 0 and at most {}", fps, kMaxFps);
}

void CheckDecodeTarget(const DecodeTarget& target) {
  const OutputOptions& output = target.output;
  CheckFps(target.fps);
  if (output.path.empty() && !output.sink)
    FailUsage("there is no `output`: name a file, or give a sink for frames");
  if (!output.path.empty() && output.sink)
    FailUsage("`output` {} was given with a sink for frames; give one of the two", output.path);
  if (output.sink) return;
  if (IsTensorFile(output.path)) {
    const AtomicFile writable(output.path);
    return;
  }
  CheckVideoTarget(output.path, SettingsOf(target));
}

int64_t DecodeBudget(const RunContext& context) {
  if (context.device.is_cuda()) return context.DeviceBytes();
  const int64_t available = AvailableBytes(context.device);
  return context.device_limit > 0 ? std::min(context.device_limit, available) : available;
}

void CheckVideoFits(const DecodeTarget& target, const RunContext& context, int64_t host_limit) {
  if (!IsTensorFile(target.output.path)) return;
  const bool on_gpu = context.device.is_cuda();
  int64_t available = on_gpu ? AvailableBytes(at::kCPU) : DecodeBudget(context);
  if (host_limit > 0) available = std::min(available, host_limit);
  const VideoGeometry& video = target.geometry;
  const int64_t needed = VideoBytes(video);
  T3_CHECK(needed < available,
           "{}: the video of {}x{} with {} is in memory as a whole and takes {}, but {} are "
           "available; a video file, such as F.mkv, takes a few frames at a time",
           target.output.path, video.width, video.height, Counted(video.frames, "frame"),
           FormatBytes(needed), FormatBytes(available));
}

void DecodeToFile(const VideoDecoder& decoder, const at::Tensor& latents,
                  const DecodeTarget& target, Stage& stage) {
  if (IsTensorFile(target.output.path)) {
    RunDecode(decoder, latents, target, stage, DecodedTo::kTensor,
              [](DecodeRun& run) { run.ToTensorFile(); });
    return;
  }
  QueuedWriter writer(OpenWriter(target), kQueuedFrames);
  DecodeInto(writer, decoder, latents, target, stage);
}

void DecodeInto(QueuedWriter& writer, const VideoDecoder& decoder, const at::Tensor& latents,
                const DecodeTarget& target, Stage& stage) {
  RunDecode(decoder, latents, target, stage, DecodedTo::kFile,
            [&](DecodeRun& run) { run.ToVideo(writer); });
}

at::Tensor DecodeToTensor(const VideoDecoder& decoder, const at::Tensor& latents,
                          const VideoGeometry& geometry, Stage& stage) {
  DecodeTarget target;
  target.geometry = geometry;
  // Before the plan, which takes what memory is left.
  const at::Tensor video = EmptyVideo(geometry, stage.context().device);
  RunDecode(decoder, latents, target, stage, DecodedTo::kTensor,
            [&](DecodeRun& run) { run.ToTensor(video); });
  return video;
}

}  // namespace t3
