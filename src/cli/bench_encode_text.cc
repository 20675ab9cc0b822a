// Formats measurements of the encoder: t3 bench encode.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/check.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/bench_text.h"
#include "t3video/version.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

double EncodeRate(const EncodeBenchResult& result, const EncodeMethodResult& method) {
  return 2 * result.encode_macs / *std::ranges::min_element(method.seconds) / 1e12;
}

std::string EncodeLine(const EncodeBenchResult& result, const EncodeMethodResult& method) {
  const std::string_view dtype = ComputeDtypeName(method.dtype);
  if (method.seconds.empty()) return fmt::format("  {:<6} {}\n", dtype, method.note);
  return fmt::format(
      "  {:<6} {:>8.2f} {:>10.2f} {:>9.1f} {:>10}   {}{}\n", dtype,
      *std::ranges::min_element(method.seconds), method.seconds.front(), EncodeRate(result, method),
      method.peak_bytes > 0 ? FormatBytes(method.peak_bytes) : "-", method.note,
      method.distance ? fmt::format("; latents {:.2g} from fp32's (relative L2)", *method.distance)
                      : "");
}

}  // namespace

std::string BenchText(const EncodeBenchResult& result, const EncodeBenchRequest&) {
  std::string text = fmt::format("encoding {}x{}, {}, {} on {}, commit {}\n", result.width,
                                 result.height, Counted(result.frames, "frame"), result.encoder,
                                 result.device, GetBuildInfo().commit) +
                     "  dtype    best s    first s   TFLOP/s       peak   notes\n";
  for (const EncodeMethodResult& method : result.methods) text += EncodeLine(result, method);
  text += "  TFLOP/s counts the work of encoding in one slab.\n";
  const ConvolutionCounts& counts = result.convolutions;
  text += fmt::format(
      "  convolutions: {} shapes by the custom kernel, {} by kept plans, {} autotuned, {} by "
      "cuDNN's first plan, {} by libtorch\n",
      counts.custom, counts.from_table, counts.timed, counts.first, counts.libtorch);
  return text + ProfileText(result.profile, "encode");
}

std::string BenchJson(const EncodeBenchResult& result, const EncodeBenchRequest& request) {
  ordered_json parts_ms = ordered_json::object(), methods = ordered_json::array();
  for (const auto& [part, ms] : result.profile) parts_ms[part] = ms;
  for (const EncodeMethodResult& method : result.methods) {
    ordered_json json{{"dtype", ComputeDtypeName(method.dtype)},
                      {"seconds", method.seconds},
                      {"peak_bytes", method.peak_bytes},
                      {"note", method.note}};
    if (!method.seconds.empty()) json["tflops"] = EncodeRate(result, method);
    if (method.distance) json["fp32_distance"] = *method.distance;
    methods.push_back(std::move(json));
  }
  return DumpJson({{"bench", "encode"},
                   {"encoder", result.encoder},
                   {"width", result.width},
                   {"height", result.height},
                   {"frames", result.frames},
                   {"device", result.device},
                   {"memory_limit", request.options.memory_limit},
                   {"commit", GetBuildInfo().commit},
                   {"encode_pflop", 2 * result.encode_macs / 1e15},
                   {"parts_ms", parts_ms},
                   {"methods", methods}},
                  2);
}

}  // namespace t3
