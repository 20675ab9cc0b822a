// t3 bench file: how far decoding and encoding overlap.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "base/check.h"
#include "base/seconds_since.h"
#include "bench/core_share.h"
#include "bench/timing.h"
#include "loading/load_models.h"
#include "media/queued_writer.h"
#include "pipeline/decode.h"
#include "pipeline/existing_files.h"
#include "pipeline/latents_file.h"
#include "plan/memory.h"
#include "runtime/device.h"
#include "t3video/bench.h"

namespace t3 {
namespace {

// Stores frames in memory, in place of a file.
class FrameBuffer : public VideoWriter {
 public:
  explicit FrameBuffer(std::vector<at::Tensor>* frames) : frames_(frames) { frames_->clear(); }
  void Write(const FrameView& view) override {
    const at::Tensor frame = at::empty({3, view.height, view.width}, at::kFloat);
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t y = 0; y < view.height; ++y) {
        std::copy_n(view.planes[c] + y * view.row_stride, view.width,
                    frame.mutable_data_ptr<float>() + (c * view.height + y) * view.width);
      }
    }
    frames_->push_back(frame);
  }
  void Finish() override {}

 private:
  std::vector<at::Tensor>* frames_;
};

FrameView ViewOfFrame(const at::Tensor& frame) {
  FrameView view;
  view.height = frame.size(1);
  view.width = frame.size(2);
  view.row_stride = view.width;
  for (int64_t c = 0; c < 3; ++c) view.planes[c] = frame[c].const_data_ptr<float>();
  return view;
}

// Minimum seconds of each.
struct FileTimes {
  double decoder = HUGE_VAL, encoder = HUGE_VAL, together = HUGE_VAL;
  double waited = 0;  // of `together`: decoder waiting for the encoder
};

DecodeTarget TargetOf(const FileBenchRequest& request, const StoredLatents& stored) {
  DecodeTarget target;
  target.output.path = request.output;
  target.output.overwrite = request.overwrite;
  target.output.file = request.file;
  target.geometry = stored.geometry;
  target.fps = stored.fps;
  target.metadata = stored.metadata;
  return target;
}

class FileBench {
 public:
  FileBench(const ModelInfo& model, const FileBenchRequest& request, const RunContext& context,
            at::ScalarType dtype)
      : context_(context),
        stored_(ReadStoredLatents(request.latents, model, request.file.last_frame)),
        target_(TargetOf(request, stored_)) {
    if (IsTensorFile(request.output)) {
      FailUsage("{} needs no encoder; name a video file", request.output);
    }
    CheckReplaceable(target_.output, stored_.metadata);
    CheckDecodeTarget(target_);
    if (!context.device.is_cuda()) {
      cores_ = SplitCores();
      decoder_cores_.emplace(cores_->first);  // before libtorch starts its threads
      at::set_num_threads(cores_->first_count);
    }
    decoder_ = LoadDecoder(model, dtype, context);
  }

  void Run() {
    const auto buffer = [&] { return std::make_unique<FrameBuffer>(&frames_); };
    times_.decoder = std::min(times_.decoder, Seconds([&] { Decode("decoder alone", buffer); }));
    times_.encoder = std::min(times_.encoder, Seconds([&] { Encode(); }));
    frames_.clear();
    const auto open = [&] { return OpenFile(); };
    double waited = 0;
    const double together = Seconds([&] { waited = Decode("together", open); });
    if (together < times_.together) times_.together = together, times_.waited = waited;
  }

  FileBenchResult Result() const {
    const VideoGeometry& video = target_.geometry;
    return {video.width,
            video.height,
            video.frames,
            context_.device.str(),
            cores_ ? cores_->first_count : 0,
            cores_ ? cores_->second_count : 0,
            times_.decoder,
            times_.encoder,
            times_.together,
            times_.waited};
  }

 private:
  template <typename F>
  static double Seconds(F f) {
    const auto begin = std::chrono::steady_clock::now();
    f();
    return SecondsSince(begin);
  }

  std::unique_ptr<VideoWriter> OpenFile() const {
    VideoSettings settings = SettingsOf(target_);
    if (cores_) settings.threads = cores_->second_count;
    return OpenVideoWriter(target_.output.path, settings);
  }

  // Its thread and those of the encoder run on the encoder's cores.
  template <typename Open>
  std::unique_ptr<QueuedWriter> Queue(Open open) const {
    std::optional<OnCores> bound;
    if (cores_) bound.emplace(cores_->second);
    return std::make_unique<QueuedWriter>(open(), kQueuedFrames);
  }

  // Seconds that the decoder waited for the writer.
  template <typename Open>
  double Decode(const std::string& name, Open open) {
    Stage stage(context_, name, target_.geometry.frames, "frames");
    const auto writer = Queue(open);
    DecodeInto(*writer, *decoder_, stored_.latents, target_, stage);
    return writer->waited();
  }

  void Encode() {
    Stage stage(context_, "encoder alone", std::ssize(frames_), "frames");
    const auto writer = Queue([&] { return OpenFile(); });
    const auto poll = [&] { context_.CheckCancelled(); };
    int64_t done = 0;
    for (const at::Tensor& frame : frames_) {
      writer->Write({ViewOfFrame(frame), std::make_shared<at::Tensor>(frame), {}}, poll);
      stage.Advance(++done);
    }
    writer->Finish(poll);
  }

  const RunContext& context_;
  StoredLatents stored_;
  DecodeTarget target_;
  std::optional<CoreHalves> cores_;
  std::optional<OnCores> decoder_cores_;
  std::unique_ptr<VideoDecoder> decoder_;
  std::vector<at::Tensor> frames_;
  FileTimes times_;
};

}  // namespace

FileBenchResult BenchFile(const FileBenchRequest& request, const ProgressFn& progress,
                          const CancelToken* cancel) {
  CheckRepeats(request.repeats);
  const ModelInfo model = OpenModel(request.files);
  CheckDecoder(model);
  const at::Device device = ResolveDevice(request.options.device);
  const at::ScalarType dtype = ResolveDtype(request.options.dtype, device);
  SetUpDevice(device, request.options);
  const RunContext context{progress, cancel, device, request.options.memory_limit};
  FileBench bench(model, request, context, dtype);
  for (int64_t i = 0; i < request.repeats; ++i) bench.Run();
  return bench.Result();
}

}  // namespace t3
