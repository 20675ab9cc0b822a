// t3 bench encode: the encoder of clips, timed, and its latents compared with those in fp32.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <chrono>

#include "arch/vae.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/seconds_since.h"
#include "base/text.h"
#include "bench/timing.h"
#include "config/presets.h"
#include "loading/load_models.h"
#include "loading/precision.h"
#include "nn/random_weights.h"
#include "ops/conv/convolution_tuning.h"
#include "ops/profiler.h"
#include "pipeline/decode.h"
#include "pipeline/run_settings.h"
#include "plan/cost.h"
#include "runtime/plan_file.h"
#include "t3video/bench.h"

namespace t3 {
namespace {

// Edges, areas and fine detail that move up by four pixels a frame: views of one tall picture.
class MovingPicture {
 public:
  MovingPicture(const VideoGeometry& video, at::Device device)
      : width_(video.padded_width), height_(video.padded_height) {
    const int64_t rows = height_ + kStep * video.frames;
    const auto noise = [&](int64_t scale) {
      const auto generator = at::make_generator<at::CPUGeneratorImpl>(static_cast<uint64_t>(scale));
      return at::upsample_bicubic2d(
                 at::randn({1, 3, rows / scale + 1, width_ / scale + 1}, generator).to(device),
                 {rows, width_}, /*align_corners=*/false)
          .squeeze(0);
    };
    picture_ = at::tanh(noise(64).mul(2)).mul_(0.6).add_(noise(8), 0.2).add_(noise(1), 0.05);
    picture_ = picture_.clamp_(-1, 1).contiguous();
  }

  // Frames [first, first + count), (3,count,height,width).
  at::Tensor Frames(int64_t first, int64_t count) const {
    return picture_.as_strided({3, count, height_, width_},
                               {picture_.stride(0), kStep * width_, width_, 1},
                               kStep * width_ * first);
  }

 private:
  static constexpr int64_t kStep = 4;  // pixels a frame
  int64_t width_, height_;
  at::Tensor picture_;
};

class EncodeBench {
 public:
  EncodeBench(const EncodeBenchRequest& request, const RunContext& context)
      : request_(request),
        context_(context),
        model_(request.files.model.empty() ? std::nullopt
                                           : std::optional(OpenModel(request.files))),
        config_(model_ ? VaeOf(*model_) : FindPreset(request.preset).vae),
        geometry_(GeometryOf(context.device.is_cuda())),
        picture_(geometry_, context.device) {}

  const VideoGeometry& geometry() const { return geometry_; }
  double Macs() const { return CostOfEncode(config_, geometry_.latent); }
  std::string Name() const {
    return model_ ? model_->paths.vae : request_.preset + " with random weights";
  }

  EncodeMethodResult Run(at::ScalarType dtype, BenchProfile* profile) {
    EncodeMethodResult result;
    result.dtype = ToComputeDtype(dtype);
    try {
      const Vae vae = Load(dtype);
      for (int64_t i = 0; i < request_.repeats; ++i) TimeOne(vae, result);
      if (profile != nullptr) {
        Profiler profiler(context_.device);
        Encode(vae);
        *profile = profiler.Milliseconds();
      }
    } catch (const c10::OutOfMemoryError&) {
      result.seconds.clear();
      result.note = "out of memory";
    }
    return result;
  }

 private:
  VideoGeometry GeometryOf(bool on_gpu) const {
    return PlanVideo(request_.width.value_or(on_gpu ? 3840 : 256),
                     request_.height.value_or(on_gpu ? 2176 : 144),
                     request_.frames.value_or(on_gpu ? 81 : 17), config_);
  }

  Vae Load(at::ScalarType dtype) const {
    if (model_) return LoadVae(*model_, VaeHalf::kEncoder, dtype, context_);
    TensorMap tensors;
    for (const TensorSpec& spec : VaeTensors(config_)) {
      if (!spec.name.starts_with("encoder.") && !spec.name.starts_with("conv1.")) continue;
      tensors[spec.name] =
          RandomTensor(spec, DefaultScale(spec), 1, at::kFloat).to(context_.device, dtype);
    }
    return Vae(config_, tensors);
  }

  void TimeOne(const Vae& vae, EncodeMethodResult& result) {
    ReleaseCachedMemory(context_.device);
    ResetDevicePeak(context_.device);
    const auto begin = std::chrono::steady_clock::now();
    const EncodePlan plan = PlanOf(vae);
    latents_ = EncodeBy(vae, plan);
    Synchronize(context_.device);
    result.seconds.push_back(SecondsSince(begin));
    result.peak_bytes = DevicePeak(context_.device);
    result.note = fmt::format("{}, planned {}", Counted(std::ssize(plan.slabs), "slab"),
                              FormatBytes(plan.memory.total));
    if (result.dtype == ComputeDtype::kFp32) {
      expected_ = latents_;
    } else if (expected_.defined()) {
      result.distance = ((latents_ - expected_).norm() / expected_.norm()).item<double>();
    }
  }

  EncodePlan PlanOf(const Vae& vae) const {
    return PlanEncode(config_, geometry_.latent, vae.element_bytes(), DecodeBudget(context_));
  }

  void Encode(const Vae& vae) const { EncodeBy(vae, PlanOf(vae)); }

  at::Tensor EncodeBy(const Vae& vae, const EncodePlan& plan) const {
    DevicePacer pacer(context_.device);
    int64_t read = 0;
    const int64_t all = geometry_.frames * std::ssize(plan.slabs);
    return vae.EncodeFrom(
        plan,
        [&](int64_t frame, int64_t count) {
          if (context_.progress) context_.progress({"encoding", read, all, 0, -1});
          read += count;
          return picture_.Frames(frame, count);
        },
        [&] {
          pacer.Wait();
          context_.CheckCancelled();
        });
  }

  const EncodeBenchRequest& request_;
  const RunContext& context_;
  std::optional<ModelInfo> model_;
  VaeConfig config_;
  VideoGeometry geometry_;
  MovingPicture picture_;
  at::Tensor latents_;
  at::Tensor expected_;  // in fp32
};

}  // namespace

EncodeBenchResult BenchEncode(const EncodeBenchRequest& request, const ProgressFn& progress,
                              const CancelToken* cancel) {
  CheckRepeats(request.repeats);
  if (request.options.dtype == ComputeDtype::kFp8)
    FailUsage("`dtype` fp8 is for the denoiser; encoders compute in bf16 or fp32");
  const c10::NoGradGuard no_grad;
  const at::Device device = ResolveDevice(request.options.device);
  const at::ScalarType dtype =
      request.options.dtype == ComputeDtype::kAuto
          ? ClipEncoderDtype(ResolveDtype(request.options.dtype, device), device.is_cuda())
          : ResolveDtype(request.options.dtype, device);
  SetUpDevice(device, request.options);
  const RunContext context{progress, cancel, device, request.options.memory_limit};
  EncodeBench bench(request, context);
  EncodeBenchResult result;
  result.encoder = bench.Name();
  result.width = bench.geometry().padded_width;
  result.height = bench.geometry().padded_height;
  result.frames = bench.geometry().frames;
  result.device = device.str();
  result.encode_macs = bench.Macs();
  BenchProfile* profile = request.parts ? &result.profile : nullptr;
  if (request.compare && dtype != at::kFloat)
    result.methods.push_back(bench.Run(at::kFloat, nullptr));
  result.methods.push_back(bench.Run(dtype, profile));
  KeepPlans();
  result.convolutions = CountConvolutions();
  return result;
}

}  // namespace t3
