// Runs and times each decoding method.
#include "bench/decode_methods.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "arch/decoder.h"
#include "arch/vae.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/seconds_since.h"
#include "bench/tiled_decode.h"
#include "config/presets.h"
#include "nn/random_weights.h"
#include "pipeline/decode.h"
#include "plan/cost.h"
#include "plan/memory.h"
#include "runtime/device.h"

namespace t3 {
namespace {

using MethodClock = std::chrono::steady_clock;

// Videos up to this size are compared.
constexpr int64_t kComparedBytes = 1'000'000'000;

std::unique_ptr<VideoDecoder> RandomDecoder(const VaeConfig& config, at::Device device,
                                            at::ScalarType dtype) {
  TensorMap tensors;
  for (const TensorSpec& spec : VaeTensors(config)) {
    if (!spec.name.starts_with("decoder.") && !spec.name.starts_with("conv2.")) continue;
    tensors[spec.name] = RandomTensor(spec, DefaultScale(spec), 1, at::kFloat).to(device, dtype);
  }
  return std::make_unique<Vae>(config, tensors);
}

std::optional<DecoderFile> FileOf(const VaeBenchRequest& request) {
  if (request.vae.empty()) return std::nullopt;
  return OpenDecoderFile(request.vae, "`vae`", nullptr);
}

VaeConfig SizesOf(const std::optional<DecoderFile>& file, const std::string& preset) {
  if (!file) return FindPreset(preset).vae;
  if (const auto* vae = std::get_if<VaeConfig>(&file->config)) return *vae;
  const VaeConfig& vae = ReleaseOf(FamilyOf(LatentChannels(file->config)), /*t3=*/false).vae;
  CheckDecoderFits(*file, vae.latent_channels, vae.spatial_stride(), "Wan's VAE");
  return vae;
}

// The size that was given, else one that the device decodes within minutes.
VideoGeometry GeometryOf(const VaeBenchRequest& request, const VaeConfig& config, bool on_gpu) {
  return PlanVideo(request.width.value_or(on_gpu ? 3840 : 256),
                   request.height.value_or(on_gpu ? 2176 : 144),
                   request.frames.value_or(on_gpu ? 81 : 17), config);
}

}  // namespace

DecodeMethods::DecodeMethods(const VaeBenchRequest& request, const RunContext& context,
                             at::ScalarType dtype)
    : request_(request),
      context_(context),
      file_(FileOf(request)),
      config_(SizesOf(file_, request.preset)),
      geometry_(GeometryOf(request, config_, context.device.is_cuda())),
      decoder_(file_ ? LoadDecoderFile(*file_, dtype, context)
                     : RandomDecoder(config_, context.device, dtype)),
      vae_(dynamic_cast<const Vae*>(decoder_.get())) {
  const Grid& grid = geometry_.latent;
  latents_ = at::randn({config_.latent_channels, grid.t, grid.h, grid.w},
                       at::make_generator<at::CPUGeneratorImpl>(1));
  const int64_t pixels = geometry_.padded_width * geometry_.padded_height * geometry_.frames;
  keep_ = pixels * 3 * static_cast<int64_t>(sizeof(float)) <= kComparedBytes;
}

double DecodeMethods::Macs() const {
  return CostOfDecode(file_ ? file_->config : DecoderConfig(config_), geometry_.latent);
}

std::vector<std::string> DecodeMethods::Methods() const {
  if (vae_ == nullptr) return {"planned"};
  return {"planned", "plain", "tiled"};
}

std::string DecodeMethods::Name() const {
  if (!file_) return request_.preset + " with random weights";
  return fmt::format("{} ({})", std::filesystem::path(file_->path).filename().string(),
                     DecoderName(file_->config));
}

MethodResult DecodeMethods::Run(const std::string& method) {
  MethodResult result;
  result.method = method;
  try {
    for (int64_t i = 0; i < request_.repeats; ++i) {
      context_.CheckCancelled();
      ReleaseCachedMemory(context_.device);
      ResetDevicePeak(context_.device);
      ResetHostPeak();
      const auto begin = MethodClock::now();
      const double left_out = RunOnce(method, &result);
      Synchronize(context_.device);
      result.seconds.push_back(SecondsSince(begin) + left_out);
      result.peak_bytes = DevicePeak(context_.device);
      result.host_peak_bytes = HostPeak();
    }
  } catch (const c10::OutOfMemoryError&) {
    result.seconds.clear();
    result.note = "out of memory";
  }
  return result;
}

ConvolutionCheck DecodeMethods::Check() {
  constexpr int64_t kCheckedLatents = 3;
  const Grid grid{std::min(kCheckedLatents, geometry_.latent.t), geometry_.latent.h,
                  geometry_.latent.w};
  const ConvolutionChecker checker;
  DecodeByPlan(latents_.narrow(1, 0, grid.t), PlanOf(grid), [](const DecodedRows&) {});
  return checker.result();
}

ProfileTimes DecodeMethods::Parts() {
  Profiler profiler(context_.device);
  DecodeByPlan(latents_, PlanOf(geometry_.latent), [](const DecodedRows&) {});
  return profiler.Milliseconds();
}

double DecodeMethods::RunOnce(const std::string& method, MethodResult* result) {
  if (method == "planned") return RunPlanned(result);
  return method == "plain" ? RunPlain(result) : RunTiled(result);
}

double DecodeMethods::RunPlanned(MethodResult* result) {
  const PlannedDecode plan = PlanOf(geometry_.latent);
  result->note = plan.description + ", planned " + FormatBytes(plan.bytes);
  const at::Tensor video = Video();
  int64_t rows_done = 0;
  DecodeByPlan(latents_, plan, [&](const DecodedRows& rows) {
    rows_done += rows.pixels.size(1) * rows.pixels.size(2);
    ReportProgress("planned", rows_done / geometry_.padded_height, geometry_.frames);
    if (!keep_) return;
    video.narrow(1, rows.frame, rows.pixels.size(1))
        .narrow(2, rows.row, rows.pixels.size(2))
        .copy_(rows.pixels);
  });
  result->video = video;
  return 0;
}

// Every frame but the first costs the same, so a few give the time of all.
double DecodeMethods::RunPlain(MethodResult* result) {
  Grid run = geometry_.latent;
  if (request_.plain_frames > 0) {
    run.t = std::min(run.t, (request_.plain_frames - 1) / VaeConfig::kTimeStride + 1);
  }
  const bool whole = run.t == geometry_.latent.t;
  const int64_t frames = VaeConfig::kTimeStride * (run.t - 1) + 1;
  const at::Tensor video = whole ? Video() : at::Tensor();
  int64_t frame = 0;
  const auto begin = MethodClock::now();
  vae_->DecodeReference(latents_.narrow(1, 0, run.t), [&](const at::Tensor& frames_out) {
    if (video.defined()) video.narrow(1, frame, frames_out.size(1)).copy_(frames_out);
    frame += frames_out.size(1);
    ReportProgress("plain", frame, frames);
  });
  Synchronize(context_.device);
  result->note = "libtorch, whole frames";
  result->video = video;
  if (whole) return 0;
  const double seconds = SecondsSince(begin), scale = Macs() / CostOfDecode(config_, run);
  result->part = fmt::format("{} of {} frames in {:.2f} s, scaled by their work, {:.2f}", frames,
                             geometry_.frames, seconds, scale);
  return seconds * (scale - 1);
}

double DecodeMethods::RunTiled(MethodResult* result) {
  const TiledDecode decoded =
      DecodeTiled(*vae_, latents_, request_.tiles,
                  [&](int64_t done, int64_t total) { ReportProgress("tiled", done, total); });
  result->note = "published tiling, not exact";
  if (decoded.part == 1) {
    if (keep_) result->video = decoded.video;
    return 0;
  }
  result->part = fmt::format("{} of {} tiles in {:.2f} s, scaled by their area, {:.2f}",
                             decoded.decoded, decoded.tiles, decoded.seconds, 1 / decoded.part);
  return decoded.seconds * (1 / decoded.part - 1);
}

PlannedDecode DecodeMethods::PlanOf(const Grid& latent) const {
  return decoder_->PlanFor(latent, DecodeBudget(context_));
}

void DecodeMethods::DecodeByPlan(const at::Tensor& latents, const PlannedDecode& plan,
                                 const RowSink& sink) {
  DevicePacer pacer(context_.device);
  plan.run(latents, sink, [&] {
    pacer.Wait();
    context_.CheckCancelled();
  });
}

at::Tensor DecodeMethods::Video() const {
  if (!keep_) return {};
  return at::empty({3, geometry_.frames, geometry_.padded_height, geometry_.padded_width},
                   at::kFloat);
}

void DecodeMethods::ReportProgress(const std::string& method, int64_t done, int64_t total) const {
  context_.CheckCancelled();
  if (context_.progress) context_.progress({method, done, total, 0, -1});
}

}  // namespace t3
