// The decode stage: by a plan from the memory that is there, straight into the file.
#include "pipeline/decode.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"
#include "loading/tensor_file.h"
#include "models/decoder/frame_assembler.h"
#include "pipeline/clip_colors.h"
#include "pipeline/decode_laps.h"
#include "pipeline/frame_codes.h"
#include "pipeline/frame_queue.h"
#include "pipeline/row_format.h"
#include "pipeline/row_spool.h"
#include "plan/memory.h"
#include "runtime/device.h"
#include "runtime/plan_file.h"

namespace t3 {
namespace {

at::Tensor EmptyVideo(const VideoGeometry& geometry, at::Device device) {
  return at::empty({3, geometry.frames, geometry.height, geometry.width},
                   at::TensorOptions(device).dtype(at::kFloat));
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

using MadeRowSink = decltype(SharedRows::sink);

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
      const CroppedRows part = CropRows(rows.pixels, rows.row, target_.geometry);
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
    FrameQueue queue(writer, target_.geometry, stage_, Poll());
    plan_.order == DecodeOrder::kFramesOuter ? FramesToVideo(writer.planar(), queue)
                                             : SlabsToVideo(queue);
    writer.Finish(Poll());
    stage_.Lap(laps::kFile);
    stage_.Beside(laps::kWriting, writer.writing());
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

  // A decode whose rows come in laps: shared by ranks, or not.
  void DecodeInLaps(const std::string& format, const MadeRowSink& sink) {
    const auto lap = [&](std::string_view part) { stage_.Lap(part); };
    if (plan_.run_shared) return plan_.run_shared(latents_, {format, sink, lap}, Poll());
    const char* part = laps::kFirstRows;
    Decode([&](const DecodedRows& rows) {
      stage_.Lap(std::exchange(part, laps::kDecoder));
      sink(rows.pixels, rows.frame, {rows.row, rows.row + rows.pixels.size(2)});
    });
    stage_.Lap(part);
  }

  void FramesToVideo(const std::optional<PlanarFormat>& planar, FrameQueue& queue) {
    if (plan_.run_shared && planar && !target_.colors) {
      const RowFormat format(target_.geometry, *planar);
      if (format.Divisible()) return SamplesToVideo(format, queue);
    }
    int64_t written = 0;
    ClipColors colors(target_.colors.get(), target_.geometry, device_);
    FrameAssembler assembler(target_.geometry.padded_height, [&](const at::Tensor& frames) {
      const at::Tensor part = CropRows(frames, 0, target_.geometry).pixels;
      for (int64_t i = 0; i < part.size(1) && written < frames_; ++i, ++written) {
        Write(colors, part.select(1, i), queue);
      }
      stage_.Advance(written);
    });
    DecodeInLaps("", [&](const at::Tensor& pixels, int64_t frame, const RowRange& rows) {
      assembler.Add({pixels, frame, rows.begin});
    });
  }

  // Every rank makes the file's samples of its rows.
  void SamplesToVideo(const RowFormat& format, FrameQueue& queue) {
    int64_t written = 0;
    SampleAssembler assembler(format, [&](const at::Tensor& frame) {
      if (written == frames_) return;
      queue.WriteSamples(frame);
      stage_.Advance(++written);
    });
    DecodeInLaps(format.Text(), [&](const at::Tensor& samples, int64_t /*frame*/,
                                    const RowRange& rows) { assembler.Add(samples, rows); });
  }

  // Rows go to disk as they come, frames from there to the writer; each is half of the progress.
  void SlabsToVideo(FrameQueue& queue) {
    const VideoGeometry& geometry = target_.geometry;
    RowSpool spool(SpoolFolder(target_.output.path), frames_, geometry.height, geometry.width);
    stage_.set_total(2 * frames_);
    int64_t decoded = 0;  // rows of frames
    DecodeInLaps("", [&](const at::Tensor& pixels, int64_t frame, const RowRange& range) {
      const DecodedRows rows{pixels, frame, range.begin};
      decoded += FramesWanted(rows) * rows.pixels.size(2);
      Spool(rows, spool);
      stage_.Lap(laps::kSpool);
      stage_.Advance(decoded / geometry.padded_height);
    });
    ClipColors colors(target_.colors.get(), geometry, device_);
    for (int64_t t = 0; t < frames_; ++t) {
      const at::Tensor codes = at::empty({3, geometry.height, geometry.width}, at::kShort);
      spool.Read(t, codes.mutable_data_ptr<int16_t>());
      stage_.Lap(laps::kSpool);
      Write(colors, FrameValues(target_.colors ? codes.to(device_) : codes), queue);
      stage_.Advance(frames_ + t + 1);
    }
  }

  // A frame (3,h,w) that takes the colors of the next frame of the clip, if there is one.
  void Write(ClipColors& colors, at::Tensor frame, FrameQueue& queue) {
    if (target_.colors) {
      stage_.Lap(laps::kConverting);
      frame = stage_.Part("matching colors", [&] { return colors.Match(frame); });
      stage_.Lap("");
    }
    queue.Write(frame);
  }

  void Spool(const DecodedRows& rows, RowSpool& spool) const {
    const CroppedRows part = CropRows(rows.pixels, rows.row, target_.geometry);
    const at::Tensor codes = FrameCodes(part.pixels).cpu().contiguous();
    const int64_t count = codes.size(2), width = codes.size(3);
    for (int64_t c = 0; c < 3 && count > 0; ++c) {
      for (int64_t t = 0; t < FramesWanted(rows); ++t) {
        spool.Write(rows.frame + t, c, part.row, count,
                    codes.const_data_ptr<int16_t>() + (c * codes.size(1) + t) * count * width);
      }
    }
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
  stage.Lap("");
  ReleaseCachedMemory(stage.context().device);
  DecodeRun run(decoder, latents, target, stage, store);
  use(run);
  KeepPlans();
}

}  // namespace

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

std::vector<std::string> DecodeToFile(const VideoDecoder& decoder, const at::Tensor& latents,
                                      const DecodeTarget& target, Stage& stage) {
  if (IsTensorFile(target.output.path)) {
    RunDecode(decoder, latents, target, stage, DecodedTo::kTensor,
              [](DecodeRun& run) { run.ToTensorFile(); });
    return {};
  }
  QueuedWriter writer(OpenWriter(target), kQueuedFrames);
  DecodeInto(writer, decoder, latents, target, stage);
  return writer.notes();
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
