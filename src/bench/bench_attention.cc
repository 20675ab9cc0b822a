// t3 bench attention: the self-attention of each layer type, compared with the published algorithm
// and full attention.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "base/check.h"
#include "bench/bench_case.h"
#include "bench/timing.h"
#include "models/dit/attention_layout.h"
#include "models/dit/reference_published.h"
#include "ops/attention/window_attention.h"
#include "plan/cost.h"
#include "plan/memory.h"
#include "plan/windows.h"
#include "runtime/device.h"
#include "runtime/stage.h"
#include "t3video/version.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

struct AttentionTimes {
  WindowCounts counts;
  double flop = 0;
  double ms = 0;
  std::optional<double> published_ms{};
  std::optional<double> distance{};
};

// q, k, v of one layer, packed as its projections give them.
struct Projected {
  at::Tensor qkv;  // (N, 3 dim)
  at::Tensor part(int64_t i) const { return qkv.chunk(3, 1)[static_cast<size_t>(i)]; }
};

// Times the published algorithm on the same input; its result must equal `result` up to rounding.
void CompareWithPublished(const BenchCase& bench, const TensorMap& block,
                          const Projected& projected, const at::Tensor& result,
                          AttentionTimes& times) {
  if (!PublishedBlock::Supports(bench.grid(), times.counts)) return;
  const PublishedBlock published(bench.preset.dit, block, bench.grid());
  const auto run = [&] {
    return published.SelfAttention(projected.part(0), projected.part(1), projected.part(2),
                                   times.counts);
  };
  times.distance = DistanceOf(result, run(), {});
  T3_CHECK(*times.distance < MaxDistance(bench.dtype),
           "windows {}: this attention is {:.3g} from the published one, rounding explains at most "
           "{:.3g}",
           FormatWindows({times.counts}), *times.distance, MaxDistance(bench.dtype));
  times.published_ms = MedianTime(bench.device, 3, run, bench.poll);
  ReleaseCachedMemory(bench.device);
}

AttentionTimes TimeAttention(const BenchCase& bench, const TensorMap& block,
                             const Projected& projected, const WindowCounts& counts,
                             const BenchRequest& request) {
  const DitConfig& config = bench.preset.dit;
  DitConfig layer = config;
  layer.num_layers = 1;
  AttentionTimes times{.counts = counts};
  times.flop = 2 * CostOfForward(layer, AttentionPattern::kT3, {counts}, bench.grid()).attention;
  const AttentionLayout attention = AttentionLayout::Make(
      AttentionPattern::kT3, {counts}, bench.grid(), 1, config.head_dim(), bench.device);
  const at::Tensor q_weight = GetTensor(block, "self_attn.norm_q.weight").to(at::kFloat);
  const at::Tensor k_weight = GetTensor(block, "self_attn.norm_k.weight").to(at::kFloat);
  // The op uses its inputs as scratch: each run works on what the one before left.
  const auto attend = [&](const Projected& input) {
    return WindowAttention({.q = input.part(0),
                            .k = input.part(1),
                            .v = input.part(2),
                            .q_weight = q_weight,
                            .k_weight = k_weight,
                            .eps = config.eps,
                            .heads = config.num_heads,
                            .rope = &attention.rope()},
                           attention.layer(0), DenoiserScratchBytes(bench.device.is_cuda()),
                           ExecutionMode::kInPlace);
  };
  const Projected scratch{projected.qkv.clone()};
  const at::Tensor result = attend(scratch);
  if (request.compare) CompareWithPublished(bench, block, projected, result, times);
  times.ms = MedianTime(
      bench.device, bench.repeats, [&] { attend(scratch); }, bench.poll);
  return times;
}

double TflopsOf(const AttentionTimes& times) { return times.flop / (times.ms / 1000) / 1e12; }

std::string LayerText(const AttentionTimes& times, double product_rate) {
  const double rate = TflopsOf(times);
  std::string text =
      fmt::format("  {:<12} {:>6.2f} ms {:>8.0f} {:>4.0f} %", FormatWindows({times.counts}),
                  times.ms, rate, 100 * rate * 1e12 / product_rate);
  if (times.published_ms) {
    text +=
        fmt::format("  {:>8.2f} ms {:>6.2f}", *times.published_ms, *times.published_ms / times.ms);
  }
  return text + "\n";
}

ordered_json LayerJson(const AttentionTimes& times) {
  ordered_json entry{
      {"windows", FormatWindows({times.counts})}, {"ms", times.ms}, {"tflops", TflopsOf(times)}};
  if (times.published_ms) {
    entry["published_ms"] = *times.published_ms;
    entry["distance_from_published"] = *times.distance;
  }
  return entry;
}

ordered_json CaseJson(const BenchCase& bench) {
  const BuildInfo& build = GetBuildInfo();
  return {{"bench", "attention"},
          {"commit", build.commit},
          {"torch", build.torch},
          {"preset", bench.preset.name},
          {"tokens", bench.grid().tokens()},
          {"device", bench.device.str()},
          {"product_tflops", bench.product_rate / 1e12}};
}

}  // namespace

Report BenchAttention(const BenchRequest& request, const ProgressFn& progress,
                      const CancelToken* cancel) {
  const c10::NoGradGuard no_grad;
  const RunContext context{progress, cancel, ResolveDevice(request.device), request.memory_limit};
  const BenchCase bench = PrepareBenchCase(request, context, /*layers=*/1);
  const DitConfig& config = bench.preset.dit;
  Stage stage(context, "timing attention", static_cast<int64_t>(bench.cycle.size()));
  const TensorMap block = BlockTensors(RandomDit(bench, 1), bench.dtype);
  const Projected projected{at::randn({bench.grid().tokens(), 3 * config.dim},
                                      at::device(bench.device).dtype(bench.dtype))};
  std::string text = fmt::format(
      "{}\n  windows          time  TFLOP/s  share    published  times\n", bench.Title());
  ordered_json json = CaseJson(bench);
  for (const WindowCounts& counts : bench.cycle) {
    const AttentionTimes times = TimeAttention(bench, block, projected, counts, request);
    text += LayerText(times, bench.product_rate);
    json["layers"].push_back(LayerJson(times));
    stage.Advance(static_cast<int64_t>(json["layers"].size()));
  }
  if (request.compare) {
    const double head = FullAttentionHead(bench);
    const auto heads = static_cast<double>(config.num_heads);
    text += fmt::format("  full         {:>6.0f} ms   {} of {} heads measured ({:.2f} ms each)\n",
                        head * heads, MeasuredHeads(bench), config.num_heads, head);
    json["full_attention_head_ms"] = head;
  }
  return {text + AttentionPlansText(), json.dump(2)};
}

}  // namespace t3
