// Formats measurements of the denoiser: t3 bench dit and attention.
#include "cli/bench_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/check.h"
#include "base/json.h"
#include "t3video/version.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

constexpr double kTera = 1e12;

std::string Times(double ms) {
  return ms < 1000 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.3f} s", ms / 1000);
}

std::string Title(const BenchSetup& setup) {
  return fmt::format("{}, {}x{}, {} frames ({} tokens), {} on {}", setup.preset, setup.width,
                     setup.height, setup.frames, setup.tokens, ComputeDtypeName(setup.dtype),
                     setup.device);
}

std::string PlansText(const std::vector<std::string>& plans) {
  return plans.empty()
             ? ""
             : fmt::format("cuDNN's plans of attention\n  {}\n", fmt::join(plans, "\n  "));
}

// The first fields of every benchmark's JSON.
ordered_json Head(const char* bench, const BenchSetup& setup) {
  const BuildInfo& build = GetBuildInfo();
  return {
      {"bench", bench}, {"commit", build.commit}, {"torch", build.torch}, {"preset", setup.preset}};
}

ordered_json LayerJson(const LayerBench& layer) {
  ordered_json json{{"windows", FormatWindows({layer.windows})}};
  if (layer.layers > 0) json["layers"] = layer.layers;
  json["ms"] = layer.ms;
  json["tflops"] = layer.tflops();
  if (layer.published_ms) json["published_ms"] = *layer.published_ms;
  if (layer.distance) json["distance_from_published"] = *layer.distance;
  if (!layer.note.empty()) json["note"] = layer.note;
  return json;
}

std::string BlockLine(const LayerBench& block) {
  std::string line = fmt::format("  {:<12} {:>6} {:>11} {:>8.0f}", FormatWindows({block.windows}),
                                 block.layers, Times(block.ms), block.tflops());
  if (block.published_ms) {
    line += fmt::format(" {:>12} {:>7.2f} {:>9.2g}", Times(*block.published_ms),
                        *block.published_ms / block.ms, *block.distance);
  }
  return line + (block.note.empty() ? "\n" : "   " + block.note + "\n");
}

std::string AttentionLine(const LayerBench& layer, double product_rate) {
  std::string line =
      fmt::format("  {:<12} {:>6.2f} ms {:>8.0f} {:>4.0f} %", FormatWindows({layer.windows}),
                  layer.ms, layer.tflops(), 100 * layer.tflops() * kTera / product_rate);
  if (layer.published_ms) {
    line +=
        fmt::format("  {:>8.2f} ms {:>6.2f}", *layer.published_ms, *layer.published_ms / layer.ms);
  }
  return line + "\n";
}

std::string ForwardText(const DitBenchResult& result) {
  const auto [fastest, slowest] = std::ranges::minmax(result.runs_ms);
  const double rate = result.flop / (result.forward_ms / 1000);
  return fmt::format("forward            {:>10}   median of {}, {} to {}\n",
                     Times(result.forward_ms), result.runs_ms.size(), Times(fastest),
                     Times(slowest)) +
         fmt::format(
             "                   {:>10.0f}   TFLOP/s, {:.0f} % of a large product's {:.0f}, "
             "which ran at {:.0f} right after\n",
             rate / kTera, 100 * rate / result.setup.product_rate,
             result.setup.product_rate / kTera, result.product_rate / kTera);
}

// The forward against the published blocks and full attention.
std::string ComparisonText(const DitBenchResult& result) {
  std::string text;
  if (result.published_forward_ms) {
    text += fmt::format("published blocks   {:>10}   {:.2f} times as long\n",
                        Times(*result.published_forward_ms),
                        *result.published_forward_ms / result.forward_ms);
  }
  if (result.full_attention_forward_ms) {
    const FullAttentionBench& full = *result.full_attention;
    text += fmt::format(
        "full attention     {:>10}   {:.1f} times as long; {} of {} heads measured, {} each\n",
        Times(*result.full_attention_forward_ms),
        *result.full_attention_forward_ms / result.forward_ms, full.measured_heads, full.heads,
        Times(full.head_ms));
  }
  return text;
}

}  // namespace

std::string BenchText(const DitBenchResult& result, const BenchRequest& /*request*/) {
  std::string text = Title(result.setup) + "\n" + ForwardText(result);
  if (result.setup.device != "cpu") {
    text += fmt::format("the host's part    {:>10}   {:.1f} %: the launches, while the GPU works\n",
                        Times(result.host_ms), 100 * result.host_ms / result.forward_ms);
  }
  text += ComparisonText(result);
  if (result.peak_bytes > 0) {
    text += fmt::format("peak of allocator  {:>10}\n", FormatBytes(result.peak_bytes));
  }
  text += "where the time of one forward goes\n";
  for (const auto& [name, ms] : result.profile) {
    text +=
        fmt::format("  {:<26} {:>10}  {:>4.1f} %\n", name, Times(ms), 100 * ms / result.forward_ms);
  }
  text += "blocks by windows   layers        time  TFLOP/s    published   times  distance\n";
  for (const LayerBench& block : result.blocks) text += BlockLine(block);
  return text + PlansText(result.attention_plans);
}

std::string BenchJson(const DitBenchResult& result, const BenchRequest& /*request*/) {
  const BenchSetup& setup = result.setup;
  ordered_json json = Head("dit", setup);
  json.update({{"width", setup.width},
               {"height", setup.height},
               {"frames", setup.frames},
               {"tokens", setup.tokens},
               {"device", setup.device},
               {"dtype", ComputeDtypeName(setup.dtype)},
               {"forward_ms", result.forward_ms},
               {"runs_ms", result.runs_ms},
               {"tflops", result.flop / (result.forward_ms / 1000) / kTera},
               {"product_tflops", setup.product_rate / kTera},
               {"product_after_tflops", result.product_rate / kTera},
               {"host_ms", result.host_ms},
               {"peak_bytes", result.peak_bytes}});
  for (const auto& [name, ms] : result.profile) json["parts_ms"][name] = ms;
  for (const LayerBench& block : result.blocks) json["blocks"].push_back(LayerJson(block));
  if (result.published_forward_ms) json["published_forward_ms"] = *result.published_forward_ms;
  if (result.full_attention) json["full_attention_head_ms"] = result.full_attention->head_ms;
  if (result.full_attention_forward_ms)
    json["full_attention_forward_ms"] = *result.full_attention_forward_ms;
  return DumpJson(json, 2);
}

std::string BenchText(const AttentionBenchResult& result, const BenchRequest& /*request*/) {
  std::string text =
      Title(result.setup) + "\n  windows          time  TFLOP/s  share    published  times\n";
  for (const LayerBench& layer : result.layers)
    text += AttentionLine(layer, result.setup.product_rate);
  if (result.full_attention) {
    const FullAttentionBench& full = *result.full_attention;
    text += fmt::format("  full         {:>6.0f} ms   {} of {} heads measured ({:.2f} ms each)\n",
                        full.head_ms * static_cast<double>(full.heads), full.measured_heads,
                        full.heads, full.head_ms);
  }
  return text + PlansText(result.attention_plans);
}

std::string BenchJson(const AttentionBenchResult& result, const BenchRequest& /*request*/) {
  const BenchSetup& setup = result.setup;
  ordered_json json = Head("attention", setup);
  json.update({{"tokens", setup.tokens},
               {"device", setup.device},
               {"product_tflops", setup.product_rate / kTera}});
  for (const LayerBench& layer : result.layers) json["layers"].push_back(LayerJson(layer));
  if (result.full_attention) json["full_attention_head_ms"] = result.full_attention->head_ms;
  return DumpJson(json, 2);
}

}  // namespace t3
