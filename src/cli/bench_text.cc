// Formats measurements of the denoiser: t3 bench dit and attention.
#include "cli/bench_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/check.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/units.h"
#include "t3video/version.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

std::string Times(double ms) {
  return ms < 1000 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.3f} s", ms / 1000);
}

std::string Title(const BenchSetup& setup) {
  return fmt::format("{}, {}x{}, {} ({}), {} on {}", setup.preset, setup.width, setup.height,
                     Counted(setup.frames, "frame"), Counted(setup.tokens, "token"),
                     ComputeDtypeName(setup.dtype), setup.device);
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
  if (layer.bf16_ms) json["bf16_ms"] = *layer.bf16_ms;
  if (layer.fp32_distance) json["distance_from_fp32"] = *layer.fp32_distance;
  if (layer.bf16_fp32_distance) json["bf16_distance_from_fp32"] = *layer.bf16_fp32_distance;
  if (!layer.note.empty()) json["note"] = layer.note;
  return json;
}

ordered_json ProductJson(const ProductBench& product) {
  return {{"layer", product.layer},
          {"tokens", product.tokens},
          {"in", product.in},
          {"out", product.out},
          {"bf16_ms", product.bf16_ms},
          {"fp8_ms", product.fp8_ms},
          {"bf16_distance_from_fp32", product.bf16_distance},
          {"fp8_distance_from_fp32", product.fp8_distance}};
}

double ProductTflops(const ProductBench& product, double ms) {
  return 2 * static_cast<double>(product.tokens) * static_cast<double>(product.in * product.out) /
         (ms / 1000) / kTera;
}

// fp8 beside bf16: blocks by windows, then products.
std::string Fp8Text(const DitBenchResult& result) {
  if (!result.bf16) return "";
  std::string text =
      "blocks beside bf16       bf16         fp8   times   from fp32: bf16        fp8\n";
  for (const LayerBench& block : result.blocks) {
    text += fmt::format("  {:<12} {:>12} {:>11} {:>7.2f}", FormatWindows({block.windows}),
                        Times(*block.bf16_ms), Times(block.ms), *block.bf16_ms / block.ms);
    if (block.fp32_distance)
      text += fmt::format(" {:>17.3g} {:>10.3g}", *block.bf16_fp32_distance, *block.fp32_distance);
    text += "\n";
  }
  text += "products, TFLOP/s        bf16         fp8   times   from fp32: bf16        fp8\n";
  for (const ProductBench& product : result.products) {
    text +=
        fmt::format("  {:<17} {:>7.0f} {:>11.0f} {:>7.2f} {:>17.3g} {:>10.3g}\n", product.layer,
                    ProductTflops(product, product.bf16_ms), ProductTflops(product, product.fp8_ms),
                    product.bf16_ms / product.fp8_ms, product.bf16_distance, product.fp8_distance);
  }
  return text;
}

// The part's time in bf16 beside it; "" in other dtypes.
std::string Bf16Part(const DitBenchResult& result, const std::string& name) {
  if (!result.bf16) return "";
  for (const auto& [part, ms] : result.bf16->profile)
    if (part == name) return fmt::format("   bf16 {}", Times(ms));
  return "";
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

std::string Bf16Text(const DitBenchResult& result) {
  if (!result.bf16) return "";
  const auto [fastest, slowest] = std::ranges::minmax(result.bf16->runs_ms);
  return fmt::format("bf16, in turn      {:>10}   median of {}, {} to {}; {:.2f} times as long\n",
                     Times(result.bf16->forward_ms), result.bf16->runs_ms.size(), Times(fastest),
                     Times(slowest), result.bf16->forward_ms / result.forward_ms);
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
  std::string text = Title(result.setup) + "\n" + ForwardText(result) + Bf16Text(result);
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
    text += fmt::format("  {:<26} {:>10}  {:>4.1f} %{}\n", name, Times(ms),
                        100 * ms / result.forward_ms, Bf16Part(result, name));
  }
  text += "blocks by windows   layers        time  TFLOP/s    published   times  distance\n";
  for (const LayerBench& block : result.blocks) text += BlockLine(block);
  return text + Fp8Text(result) + PlansText(result.attention_plans);
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
  if (result.bf16) {
    json["bf16_forward_ms"] = result.bf16->forward_ms;
    json["bf16_runs_ms"] = result.bf16->runs_ms;
    for (const auto& [name, ms] : result.bf16->profile) json["bf16_parts_ms"][name] = ms;
  }
  for (const ProductBench& product : result.products)
    json["products"].push_back(ProductJson(product));
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
