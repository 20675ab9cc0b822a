// t3 bench vae: decoding methods, timed in one process.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/bytes.h"
#include "base/check.h"
#include "bench/decode_methods.h"
#include "runtime/convolution_file.h"
#include "runtime/device.h"
#include "t3video/bench.h"
#include "t3video/version.h"

namespace t3 {
namespace {

void CheckRequest(const VaeBenchRequest& request) {
  for (const std::string& method : request.methods) {
    if (method != "planned" && method != "plain" && method != "tiled")
      FailUsage("`ways` {}: wanted planned, plain or tiled", method);
  }
  if (request.methods.empty() || request.repeats < 1 || request.cudnn_choices < 0)
    FailUsage("a benchmark needs at least one method, one run and `cudnn-choices` of 0 or more");
  if (request.tiles < 0 || request.plain_frames < 0)
    FailUsage("`tiles` and `plain-frames` must be 0 (all) or more");
  if (request.save && request.plans.empty())
    FailUsage("saving plans needs the file to save them to; name one with `plans`");
}

std::string ConvolutionText(const ConvolutionCounts& counts, const VaeBenchRequest& request) {
  if (request.cudnn_choices == 0) return "  convolutions: all by libtorch\n";
  return fmt::format(
      "  convolutions: {} shapes by the custom kernel, {} by plans from {}, {} autotuned, {} by "
      "cuDNN's first plan, {} by libtorch; {} plans of the file were stale\n",
      counts.custom, counts.from_table, request.plans.empty() ? "no file" : request.plans,
      counts.timed, counts.first, counts.libtorch, counts.stale);
}

std::string CheckText(const ConvolutionChecker::Report& report) {
  return fmt::format(
      "  {} convolutions checked, {} wrong: relative L2 distance from libtorch's at most {:.2g}\n",
      report.checked, report.wrong, report.difference);
}

std::string PartsText(const ProfileTimes& parts) {
  if (parts.empty()) return "";
  double sum = 0;
  for (const auto& [name, ms] : parts) sum += ms;
  std::string text = fmt::format("  profile of one more decode, {:.0f} ms in total:\n", sum);
  for (const auto& [name, ms] : parts) {
    text += fmt::format("    {:<44} {:>8.0f} ms {:>5.1f} %\n", name, ms, 100 * ms / sum);
  }
  return text;
}

void Compare(std::vector<MethodResult>& results) {
  const auto planned = std::ranges::find(results, std::string("planned"), &MethodResult::method);
  if (planned == results.end() || !planned->video.defined()) return;
  for (MethodResult& result : results) {
    if (&result == &*planned || !result.video.defined()) continue;
    result.difference = (result.video - planned->video).abs().max().item<double>();
  }
}

std::string BenchText(const DecodeMethods& bench, const std::vector<MethodResult>& results,
                      const std::string& heading) {
  std::string text =
      heading + "\n  method     best s    first s   TFLOP/s       peak       host   notes\n";
  for (const MethodResult& result : results) {
    if (result.seconds.empty()) {
      text += fmt::format("  {:<8} {}\n", result.method, result.note);
      continue;
    }
    const double best = *std::ranges::min_element(result.seconds);
    text += fmt::format(
        "  {:<8} {:>8.2f} {:>10.2f} {:>9.1f} {:>10} {:>10}   {}{}{}\n", result.method, best,
        result.seconds.front(), 2 * bench.Macs() / best / 1e12,
        result.peak_bytes > 0 ? FormatBytes(result.peak_bytes) : "-",
        FormatBytes(result.host_peak_bytes), result.note,
        result.part.empty() ? "" : "; from " + result.part,
        result.difference < 0 ? "" : fmt::format("; differs by up to {:.2g}", result.difference));
  }
  return text + "  TFLOP/s counts the work of an untiled decode for every method.\n";
}

nlohmann::ordered_json BenchJson(const DecodeMethods& bench,
                                 const std::vector<MethodResult>& results) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const MethodResult& result : results) {
    nlohmann::ordered_json entry{{"way", result.method},
                                 {"seconds", result.seconds},
                                 {"peak_bytes", result.peak_bytes},
                                 {"host_peak_bytes", result.host_peak_bytes},
                                 {"note", result.note}};
    if (!result.seconds.empty()) {
      entry["tflops"] = 2 * bench.Macs() / *std::ranges::min_element(result.seconds) / 1e12;
    }
    if (!result.part.empty()) entry["from"] = result.part;
    if (result.difference >= 0) entry["largest_difference"] = result.difference;
    list.push_back(entry);
  }
  return list;
}

// What one call of `t3 bench vae` measured.
struct VaeBenchResults {
  std::vector<MethodResult> methods;
  ConvolutionCounts convolutions;
  std::optional<ConvolutionChecker::Report> check;
  ProfileTimes parts;
};

VaeBenchResults RunVaeBench(const VaeBenchRequest& request, DecodeMethods& bench) {
  const ConvolutionSettings settings{ReadConvolutionTable(request.plans), request.cudnn_choices};
  SetConvolutionSettings(settings);
  VaeBenchResults results;
  if (request.check) results.check = bench.Check();
  SetConvolutionSettings(settings);  // so that the first timed run has nothing from the check
  for (const std::string& method : request.methods) results.methods.push_back(bench.Run(method));
  const ConvolutionTable found = TakeFoundPlans();
  if (request.save && !found.empty()) AddToConvolutionTable(request.plans, found);
  results.convolutions = CountConvolutions();
  Compare(results.methods);
  if (request.parts) results.parts = bench.Parts();
  return results;
}

nlohmann::ordered_json VaeBenchJson(const VaeBenchRequest& request, const DecodeMethods& bench,
                                    const VaeBenchResults& results, const std::string& dtype,
                                    at::Device device) {
  const VideoGeometry& geometry = bench.geometry();
  const ConvolutionCounts& counts = results.convolutions;
  nlohmann::ordered_json parts_ms = nlohmann::ordered_json::object();
  for (const auto& [part, ms] : results.parts) parts_ms[part] = ms;
  return {{"bench", "vae"},
          {"preset", request.preset},
          {"width", geometry.padded_width},
          {"height", geometry.padded_height},
          {"frames", geometry.frames},
          {"dtype", dtype},
          {"device", device.str()},
          {"memory_limit", request.options.memory_limit},
          {"cudnn_choices", request.cudnn_choices},
          {"convolutions",
           {{"own", counts.custom},
            {"from_file", counts.from_table},
            {"timed", counts.timed},
            {"first", counts.first},
            {"libtorch", counts.libtorch},
            {"stale", counts.stale}}},
          {"commit", GetBuildInfo().commit},
          {"decode_pflop", 2 * bench.Macs() / 1e15},
          {"parts_ms", parts_ms},
          {"ways", BenchJson(bench, results.methods)}};
}

}  // namespace

Report BenchVae(const VaeBenchRequest& request, const ProgressFn& progress,
                const CancelToken* cancel) {
  CheckRequest(request);
  if (request.save) CheckConvolutionTable(request.plans);
  const c10::NoGradGuard no_grad;
  const at::Device device = ResolveDevice(request.options.device);
  const at::ScalarType dtype = ResolveDtype(request.options.dtype, device);
  SetUpDevice(device, request.options);
  const RunContext context{progress, cancel, device, request.options.memory_limit};
  DecodeMethods bench(request, context, dtype);
  const VaeBenchResults results = RunVaeBench(request, bench);
  const VideoGeometry& geometry = bench.geometry();
  const std::string name = dtype == at::kBFloat16 ? "bf16" : "fp32";
  const std::string heading =
      fmt::format("decoding {}x{}, {} frames, {} with random weights, {} on {}, commit {}",
                  geometry.padded_width, geometry.padded_height, geometry.frames, request.preset,
                  name, device.str(), GetBuildInfo().commit);
  return {BenchText(bench, results.methods, heading) +
              (results.check ? CheckText(*results.check) : "") +
              ConvolutionText(results.convolutions, request) + PartsText(results.parts),
          VaeBenchJson(request, bench, results, name, device).dump(2)};
}

}  // namespace t3
