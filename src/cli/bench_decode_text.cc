// Formats measurements of decoding: t3 bench vae and file.
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

std::string ConvolutionText(const ConvolutionCounts& counts, const VaeBenchRequest& request) {
  if (request.cudnn_choices == 0) return "  convolutions: all by libtorch\n";
  return fmt::format(
      "  convolutions: {} shapes by the custom kernel, {} by plans from {}, {} autotuned, {} by "
      "cuDNN's first plan, {} by libtorch; {} plans of the file were stale\n",
      counts.custom, counts.from_table, request.plans.empty() ? "no file" : request.plans,
      counts.timed, counts.first, counts.libtorch, counts.stale);
}

std::string CheckText(const ConvolutionCheck& check) {
  return fmt::format(
      "  {} convolutions checked, {} wrong: relative L2 distance from libtorch's at most {:.2g}\n",
      check.checked, check.wrong, check.difference);
}

// TFLOP/s, counting the work of an untiled decode.
double Rate(const VaeBenchResult& result, double seconds) {
  return 2 * result.decode_macs / seconds / 1e12;
}

std::string MethodLine(const VaeBenchResult& result, const DecodeMethodResult& method) {
  if (method.seconds.empty()) return fmt::format("  {:<8} {}\n", method.method, method.note);
  const double best = *std::ranges::min_element(method.seconds);
  return fmt::format(
      "  {:<8} {:>8.2f} {:>10.2f} {:>9.1f} {:>10} {:>10}   {}{}{}\n", method.method, best,
      method.seconds.front(), Rate(result, best),
      method.peak_bytes > 0 ? FormatBytes(method.peak_bytes) : "-",
      FormatBytes(method.host_peak_bytes), method.note,
      method.part.empty() ? "" : "; from " + method.part,
      method.difference ? fmt::format("; differs by up to {:.2g}", *method.difference) : "");
}

ordered_json MethodJson(const VaeBenchResult& result, const DecodeMethodResult& method) {
  ordered_json json{{"way", method.method},
                    {"seconds", method.seconds},
                    {"peak_bytes", method.peak_bytes},
                    {"host_peak_bytes", method.host_peak_bytes},
                    {"note", method.note}};
  if (!method.seconds.empty())
    json["tflops"] = Rate(result, *std::ranges::min_element(method.seconds));
  if (!method.part.empty()) json["from"] = method.part;
  if (method.difference) json["largest_difference"] = *method.difference;
  return json;
}

ordered_json CountsJson(const ConvolutionCounts& counts) {
  return {{"own", counts.custom},  {"from_file", counts.from_table}, {"timed", counts.timed},
          {"first", counts.first}, {"libtorch", counts.libtorch},    {"stale", counts.stale}};
}

std::string CoresText(const FileBenchResult& result) {
  return result.decoder_cores > 0
             ? fmt::format("{} cores for the decoder, {} others for the encoder",
                           result.decoder_cores, result.encoder_cores)
             : "decoder on the GPU, all cores for the encoder";
}

}  // namespace

std::string ProfileText(const BenchProfile& profile, std::string_view what) {
  if (profile.empty()) return "";
  double sum = 0;
  for (const auto& [name, ms] : profile) sum += ms;
  std::string text = fmt::format("  profile of one more {}, {:.0f} ms in total:\n", what, sum);
  for (const auto& [name, ms] : profile) {
    text += fmt::format("    {:<44} {:>8.0f} ms {:>5.1f} %\n", name, ms, 100 * ms / sum);
  }
  return text;
}

std::string BenchText(const VaeBenchResult& result, const VaeBenchRequest& request) {
  std::string text =
      fmt::format("decoding {}x{}, {}, {}, {} on {}, commit {}\n", result.width, result.height,
                  Counted(result.frames, "frame"), result.decoder, ComputeDtypeName(result.dtype),
                  result.device, GetBuildInfo().commit) +
      "  method     best s    first s   TFLOP/s       peak       host   notes\n";
  for (const DecodeMethodResult& method : result.methods) text += MethodLine(result, method);
  text += "  TFLOP/s counts the work of an untiled decode for every method.\n";
  if (result.check) text += CheckText(*result.check);
  return text + ConvolutionText(result.convolutions, request) +
         ProfileText(result.profile, "decode");
}

std::string BenchJson(const VaeBenchResult& result, const VaeBenchRequest& request) {
  ordered_json parts_ms = ordered_json::object(), methods = ordered_json::array();
  for (const auto& [part, ms] : result.profile) parts_ms[part] = ms;
  for (const DecodeMethodResult& method : result.methods)
    methods.push_back(MethodJson(result, method));
  return DumpJson({{"bench", "vae"},
                   {"preset", result.preset},
                   {"decoder", result.decoder},
                   {"width", result.width},
                   {"height", result.height},
                   {"frames", result.frames},
                   {"dtype", ComputeDtypeName(result.dtype)},
                   {"device", result.device},
                   {"memory_limit", request.options.memory_limit},
                   {"cudnn_choices", request.cudnn_choices},
                   {"convolutions", CountsJson(result.convolutions)},
                   {"commit", GetBuildInfo().commit},
                   {"decode_pflop", 2 * result.decode_macs / 1e15},
                   {"parts_ms", parts_ms},
                   {"methods", methods}},
                  2);
}

std::string BenchText(const FileBenchResult& result, const FileBenchRequest& request) {
  const std::string codec = request.file.codec.empty() ? "default encoder" : request.file.codec;
  return fmt::format(
      "{}x{}, {} to {} ({}) on {}, commit {}\n  {}\n"
      "  decoder alone {:9.2f} s\n  encoder alone {:9.2f} s\n  together      {:9.2f} s, {:.3f} of "
      "the slower alone; the decoder waited {:.2f} s of it\n",
      result.width, result.height, Counted(result.frames, "frame"), request.output, codec,
      result.device, GetBuildInfo().commit, CoresText(result), result.decoder_seconds,
      result.encoder_seconds, result.together_seconds, result.ratio(), result.waited_seconds);
}

std::string BenchJson(const FileBenchResult& result, const FileBenchRequest& request) {
  return DumpJson({{"bench", "file"},
                   {"width", result.width},
                   {"height", result.height},
                   {"frames", result.frames},
                   {"codec", request.file.codec},
                   {"device", result.device},
                   {"cores", CoresText(result)},
                   {"commit", GetBuildInfo().commit},
                   {"decoder_seconds", result.decoder_seconds},
                   {"encoder_seconds", result.encoder_seconds},
                   {"together_seconds", result.together_seconds},
                   {"waited_seconds", result.waited_seconds},
                   {"of_the_slower", result.ratio()}},
                  2);
}

}  // namespace t3
