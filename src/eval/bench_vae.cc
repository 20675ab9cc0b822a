// t3 bench vae: ways of decoding, timed in one process.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/check.h"
#include "config/presets.h"
#include "eval/tiled_decode.h"
#include "models/vae/tensors.h"
#include "models/vae/vae.h"
#include "nn/random_weights.h"
#include "ops/convolution_choice.h"
#include "pipeline/convolution_file.h"
#include "pipeline/decode.h"
#include "pipeline/device.h"
#include "pipeline/stage.h"
#include "plan/cost.h"
#include "plan/memory.h"
#include "t3video/bench.h"
#include "t3video/version.h"

namespace t3 {
namespace {

// Videos up to this size are kept and compared.
constexpr int64_t kComparedBytes = 1'000'000'000;

struct WayResult {
  std::string way;
  std::vector<double> seconds;  // of each run
  int64_t peak_bytes = 0;       // of the device's allocator, weights included
  std::string note;
  at::Tensor video;        // of the last run, where it is small enough
  double difference = -1;  // largest from the planned way; -1: not known
};

Vae RandomDecoder(const VaeConfig& config, at::Device device, at::ScalarType dtype) {
  TensorMap tensors;
  for (const TensorSpec& spec : VaeTensors(config)) {
    if (!spec.name.starts_with("decoder.") && !spec.name.starts_with("conv2.")) continue;
    tensors[spec.name] = RandomTensor(spec, DefaultScale(spec), 1, at::kFloat).to(device, dtype);
  }
  return Vae(config, tensors);
}

class VaeBench {
 public:
  VaeBench(const VaeBenchRequest& request, const RunContext& context, at::ScalarType dtype)
      : request_(request),
        context_(context),
        config_(FindPreset(request.preset).vae),
        geometry_(PlanVideo(request.width, request.height, request.frames, config_)),
        vae_(RandomDecoder(config_, context.device, dtype)) {
    const Grid& grid = geometry_.latent;
    latents_ = at::randn({config_.latent_channels, grid.t, grid.h, grid.w},
                         at::make_generator<at::CPUGeneratorImpl>(1));
    const int64_t pixels = geometry_.made_width * geometry_.made_height * geometry_.frames;
    keep_ = pixels * 3 * static_cast<int64_t>(sizeof(float)) <= kComparedBytes;
  }

  WayResult Run(const std::string& way) {
    WayResult result{.way = way, .seconds = {}, .note = {}, .video = {}};
    try {
      for (int64_t i = 0; i < request_.repeats; ++i) {
        context_.CheckCancelled();
        ReleaseCachedMemory(context_.device);
        ResetDevicePeak(context_.device);
        const auto begin = std::chrono::steady_clock::now();
        RunOnce(way, &result);
        Synchronize(context_.device);
        result.seconds.push_back(
            std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
        result.peak_bytes = DevicePeak(context_.device);
      }
    } catch (const c10::OutOfMemoryError&) {
      result.seconds.clear();
      result.note = "out of memory";
    }
    return result;
  }

  // The planned way, for as many frames as show every shape of a convolution but the last pass's;
  // each result is compared with libtorch's.
  ConvolutionCounts Check() {
    constexpr int64_t kCheckedLatents = 3;
    const Grid grid{std::min(kCheckedLatents, geometry_.latent.t), geometry_.latent.h,
                    geometry_.latent.w};
    CheckConvolutions(true);
    DecodeLatents(latents_.narrow(1, 0, grid.t), PlanOf(grid), [](const DecodedRows&) {});
    CheckConvolutions(false);
    return CountConvolutions();
  }

  double Macs() const { return CostOfDecode(config_, geometry_.latent); }
  const VideoGeometry& geometry() const { return geometry_; }

 private:
  void RunOnce(const std::string& way, WayResult* result) {
    if (way == "planned") return RunPlanned(result);
    if (way == "plain") return RunPlain(result);
    const at::Tensor video = DecodeTiled(
        vae_, latents_, [&](int64_t done, int64_t total) { Report("tiled", done, total); });
    result->note = "published tiling, not exact";
    if (keep_) result->video = video;
  }

  void RunPlanned(WayResult* result) {
    const DecodePlan plan = PlanOf(geometry_.latent);
    result->note = DescribeDecodePlan(plan) + ", planned " + FormatBytes(plan.memory.total);
    at::Tensor video = Video();
    int64_t rows_done = 0;
    DecodeLatents(latents_, plan, [&](const DecodedRows& rows) {
      rows_done += rows.pixels.size(1) * rows.pixels.size(2);
      Report("planned", rows_done / geometry_.made_height, geometry_.frames);
      if (!keep_) return;
      video.narrow(1, rows.frame, rows.pixels.size(1))
          .narrow(2, rows.row, rows.pixels.size(2))
          .copy_(rows.pixels);
    });
    result->video = video;
  }

  DecodePlan PlanOf(const Grid& latent) const {
    return PlanDecode(config_, latent, vae_.element_bytes(), DecodeBudget(context_));
  }

  void DecodeLatents(const at::Tensor& latents, const DecodePlan& plan, const RowSink& sink) {
    DevicePacer pacer(context_.device);
    vae_.DecodeRows(latents, plan, sink, [&] {
      pacer.Wait();
      context_.CheckCancelled();
    });
  }

  void RunPlain(WayResult* result) {
    at::Tensor video = Video();
    int64_t frame = 0;
    vae_.DecodePlain(latents_, [&](const at::Tensor& frames) {
      if (keep_) video.narrow(1, frame, frames.size(1)).copy_(frames);
      frame += frames.size(1);
      Report("plain", frame, geometry_.frames);
    });
    result->note = "libtorch, whole frames";
    result->video = video;
  }

  at::Tensor Video() const {
    if (!keep_) return {};
    return at::empty({3, geometry_.frames, geometry_.made_height, geometry_.made_width},
                     at::kFloat);
  }

  void Report(const std::string& way, int64_t done, int64_t total) const {
    context_.CheckCancelled();
    if (context_.progress) context_.progress({way, done, total, 0, -1});
  }

  const VaeBenchRequest& request_;
  const RunContext& context_;
  VaeConfig config_;
  VideoGeometry geometry_;
  Vae vae_;
  at::Tensor latents_;
  bool keep_ = false;
};

void CheckRequest(const VaeBenchRequest& request) {
  for (const std::string& way : request.ways) {
    if (way != "planned" && way != "plain" && way != "tiled")
      FailUsage("'{}' is no way of decoding; use planned, plain or tiled", way);
  }
  if (request.ways.empty() || request.repeats < 1 || request.cudnn_choices < 0)
    FailUsage("a benchmark needs at least one way, one run and no negative number of choices");
  if (request.save && request.plans.empty())
    FailUsage("a benchmark saves plans to the file that it reads; name one");
}

std::string ConvolutionText(const ConvolutionCounts& counts, const VaeBenchRequest& request) {
  if (request.cudnn_choices == 0) return "  convolutions: libtorch's, all\n";
  return fmt::format(
      "  convolutions: {} shapes by plans of {}, {} timed, {} by cuDNN's first choice, {} by "
      "libtorch; {} plans of the file were stale\n",
      counts.from_table, request.plans.empty() ? "no file" : request.plans, counts.timed,
      counts.first, counts.libtorch, counts.stale);
}

std::string CheckText(const ConvolutionCounts& counts) {
  return fmt::format("  {} convolutions checked, {} wrong: at most {:.2g} (L2) from libtorch's\n",
                     counts.checked, counts.wrong, counts.difference);
}

void Compare(std::vector<WayResult>& results) {
  const auto planned = std::ranges::find(results, std::string("planned"), &WayResult::way);
  if (planned == results.end() || !planned->video.defined()) return;
  for (WayResult& result : results) {
    if (&result == &*planned || !result.video.defined()) continue;
    result.difference = (result.video - planned->video).abs().max().item<double>();
  }
}

std::string BenchText(const VaeBench& bench, const std::vector<WayResult>& results,
                      const std::string& heading) {
  std::string text = heading + "\n  way        best s    first s   TFLOP/s    peak       notes\n";
  for (const WayResult& result : results) {
    if (result.seconds.empty()) {
      text += fmt::format("  {:<8} {}\n", result.way, result.note);
      continue;
    }
    const double best = *std::ranges::min_element(result.seconds);
    text += fmt::format(
        "  {:<8} {:>8.2f} {:>10.2f} {:>9.1f} {:>10}   {}{}\n", result.way, best,
        result.seconds.front(), 2 * bench.Macs() / best / 1e12,
        result.peak_bytes > 0 ? FormatBytes(result.peak_bytes) : "-", result.note,
        result.difference < 0 ? "" : fmt::format("; differs by up to {:.2g}", result.difference));
  }
  return text + "  TFLOP/s counts the work of an untiled decode, whatever a way does.\n";
}

nlohmann::ordered_json BenchJson(const VaeBench& bench, const std::vector<WayResult>& results) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const WayResult& result : results) {
    nlohmann::ordered_json entry{{"way", result.way},
                                 {"seconds", result.seconds},
                                 {"peak_bytes", result.peak_bytes},
                                 {"note", result.note}};
    if (!result.seconds.empty()) {
      entry["tflops"] = 2 * bench.Macs() / *std::ranges::min_element(result.seconds) / 1e12;
    }
    if (result.difference >= 0) entry["largest_difference"] = result.difference;
    list.push_back(entry);
  }
  return list;
}

}  // namespace

Report BenchVae(const VaeBenchRequest& request, const ProgressFn& progress,
                const CancelToken* cancel) {
  CheckRequest(request);
  const c10::NoGradGuard no_grad;
  const at::Device device = ResolveDevice(request.options.device);
  const at::ScalarType dtype = ResolveDtype(request.options.dtype, device);
  LimitDeviceMemory(device, request.options.memory_limit);
  const RunContext context{progress, cancel, device, request.options.memory_limit};
  const ConvolutionSettings settings{ReadConvolutionTable(request.plans), request.cudnn_choices};
  SetConvolutionSettings(settings);
  VaeBench bench(request, context, dtype);
  std::string convolutions;
  if (request.check) convolutions += CheckText(bench.Check());
  SetConvolutionSettings(settings);  // so that the first timed run has nothing from the check
  std::vector<WayResult> results;
  for (const std::string& way : request.ways) results.push_back(bench.Run(way));
  const ConvolutionTable found = TakeFoundPlans();
  if (request.save && !found.empty()) AddToConvolutionTable(request.plans, found);
  const ConvolutionCounts counts = CountConvolutions();
  convolutions += ConvolutionText(counts, request);
  Compare(results);
  const VideoGeometry& geometry = bench.geometry();
  const std::string name = dtype == at::kBFloat16 ? "bf16" : "fp32";
  const std::string heading =
      fmt::format("decoding {}x{}, {} frames, {} with random weights, {} on {}, commit {}",
                  geometry.made_width, geometry.made_height, geometry.frames, request.preset, name,
                  device.str(), GetBuildInfo().commit);
  const nlohmann::ordered_json json{{"bench", "vae"},
                                    {"preset", request.preset},
                                    {"width", geometry.made_width},
                                    {"height", geometry.made_height},
                                    {"frames", geometry.frames},
                                    {"dtype", name},
                                    {"device", device.str()},
                                    {"memory_limit", request.options.memory_limit},
                                    {"cudnn_choices", request.cudnn_choices},
                                    {"convolutions",
                                     {{"from_file", counts.from_table},
                                      {"timed", counts.timed},
                                      {"first", counts.first},
                                      {"libtorch", counts.libtorch},
                                      {"stale", counts.stale}}},
                                    {"commit", GetBuildInfo().commit},
                                    {"decode_pflop", 2 * bench.Macs() / 1e15},
                                    {"ways", BenchJson(bench, results)}};
  return {BenchText(bench, results, heading) + convolutions, json.dump(2)};
}

}  // namespace t3
