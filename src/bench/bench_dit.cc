// t3 bench dit: a forward, its parts and its blocks by layer type, compared with the published
// block and full attention.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/bytes.h"
#include "base/check.h"
#include "bench/bench_case.h"
#include "bench/timing.h"
#include "models/dit/dit.h"
#include "models/dit/reference_published.h"
#include "ops/profiler.h"
#include "plan/cost.h"
#include "plan/memory.h"
#include "plan/windows.h"
#include "runtime/device.h"
#include "runtime/stage.h"
#include "t3video/version.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kTextTokens = 120;
constexpr int64_t kBlockRepeats = 5;

// One layer type. Times in milliseconds, absent if not measured.
struct BlockTimes {
  WindowCounts counts;
  int64_t layers = 0;
  double ms = 0;
  double flop = 0;
  std::optional<double> published_ms{};
  std::optional<double> distance{};  // from the published block's result
  std::string note{};                // why a comparison is missing
};

struct DitTimes {
  std::vector<double> runs;
  ProfileTimes parts;
  int64_t peak_bytes = 0;
  double flop = 0;
  double host_ms = 0;       // until the host has launched a forward
  double product_rate = 0;  // FLOP/s of the large product right after the forwards
  std::vector<BlockTimes> blocks;
  std::optional<double> head_ms;  // full attention of one head
  double median() const { return Median(runs); }
};

double CostOf(const BenchCase& bench, int64_t layers, const WindowCycle& cycle) {
  DitConfig config = bench.preset.dit;
  config.num_layers = layers;
  return 2 * CostOfForward(config, AttentionPattern::kT3, cycle, bench.grid()).total();
}

// The whole forward and its parts.
void TimeForward(const BenchCase& bench, const TensorMap& weights, int64_t repeats, Stage& stage,
                 DitTimes& times) {
  const DitConfig& config = bench.preset.dit;
  const auto random = [&](at::IntArrayRef shape, at::ScalarType dtype) {
    return at::randn(shape, at::device(bench.device).dtype(dtype));
  };
  const Dit dit(config, weights);
  const TextContext text = dit.PrepareText(random({kTextTokens, config.text_dim}, bench.dtype));
  const AttentionLayout attention =
      AttentionLayout::Make(AttentionPattern::kT3, bench.cycle, bench.grid(), config.num_layers,
                            config.head_dim(), bench.device);
  const Grid& latent = bench.video.latent;
  const at::Tensor latents =
      random({config.latent_channels, latent.t, latent.h, latent.w}, at::kFloat);
  const auto forward = [&] { return dit.Forward(latents, 500, 0, text, attention); };
  T3_CHECK(forward().isfinite().all().item<bool>(),
           "the forward pass gives values that are not finite");
  ResetDevicePeak(bench.device);
  int64_t done = 0;
  times.runs = TimeRuns(bench.device, repeats, [&] {
    forward();
    stage.Advance(done++);
  });
  times.peak_bytes = DevicePeak(bench.device);
  times.product_rate = ProductRate(bench.device, bench.dtype);  // with the GPU at its hottest
  Synchronize(bench.device);
  const auto begin = std::chrono::steady_clock::now();
  forward();
  times.host_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  Synchronize(bench.device);
  Profiler profiler(bench.device);
  forward();
  times.parts = profiler.Milliseconds();
  times.flop = CostOf(bench, config.num_layers, bench.cycle);
}

// Both blocks of one layer type on the same input.
class BlockBench {
 public:
  BlockBench(const BenchCase& bench, const TensorMap& weights)
      : bench_(bench),
        config_(bench.preset.dit),
        published_(BlockTensors(weights, bench.dtype)),
        block_(config_, weights, "blocks.0"),
        x_(Random({bench.grid().tokens(), config_.dim}, 1)),
        time_(Random({6, config_.dim}, 0.3)),
        text_(Random({config_.text_len, config_.dim}, 1)) {}

  BlockTimes Run(const WindowCounts& counts, bool compare) const {
    BlockTimes times{.counts = counts, .flop = CostOf(bench_, 1, {counts})};
    const AttentionLayout attention = AttentionLayout::Make(
        AttentionPattern::kT3, {counts}, bench_.grid(), 1, config_.head_dim(), bench_.device);
    const BlockContext context{
        .time = time_.to(at::kFloat).unsqueeze(0),
        .windows = &attention.layer(0),
        .rope = &attention.rope(),
        .text = block_.PrepareText(text_.unsqueeze(0), ExecutionMode::kInPlace),
        .scratch_bytes = DenoiserScratchBytes(bench_.device.is_cuda())};
    at::Tensor x = x_.clone();
    block_.Forward(x, context);
    if (compare) Compare(x, counts, times);
    times.ms = MedianTime(
        bench_.device, kBlockRepeats, [&] { block_.Forward(x, context); }, bench_.poll);
    return times;
  }

 private:
  at::Tensor Random(at::IntArrayRef shape, double scale) const {
    return at::randn(shape, at::device(bench_.device).dtype(bench_.dtype)).mul_(scale);
  }

  void Compare(const at::Tensor& result, const WindowCounts& counts, BlockTimes& times) const {
    if (!PublishedBlock::Supports(bench_.grid(), counts)) {
      times.note = "uneven windows, which the published code does not support";
      return;
    }
    const PublishedBlock published(config_, published_, bench_.grid());
    try {
      const auto run = [&] { return published(x_, time_, text_, counts); };
      times.distance = DistanceOf(result, run(), x_);
      T3_CHECK(*times.distance < MaxDistance(bench_.dtype),
               "windows {}: this block is {:.3g} from the published one, rounding explains at most "
               "{:.3g}; "
               "the timing would be of a wrong result",
               FormatWindows({counts}), *times.distance, MaxDistance(bench_.dtype));
      times.published_ms = MedianTime(bench_.device, 2, run, bench_.poll);
    } catch (const c10::OutOfMemoryError&) {
      times.note = "the published block does not fit in memory";
    }
    ReleaseCachedMemory(bench_.device);
  }

  const BenchCase& bench_;
  const DitConfig& config_;
  TensorMap published_;  // in one dtype
  DitBlock block_;
  at::Tensor x_, time_, text_;
};

void TimeBlocks(const BenchCase& bench, const TensorMap& weights, bool compare, Stage& stage,
                DitTimes& times) {
  const BlockBench blocks(bench, weights);
  for (const WindowCounts& counts : bench.cycle) {
    stage.Advance(static_cast<int64_t>(times.blocks.size()));
    times.blocks.push_back(blocks.Run(counts, compare));
  }
  for (int64_t layer = 0; layer < bench.preset.dit.num_layers; ++layer) {
    ++times.blocks[static_cast<size_t>(layer) % times.blocks.size()].layers;
  }
}

// The published forward as the sum of its blocks; absent if one was not measured.
std::optional<double> PublishedForward(const DitTimes& times) {
  double sum = 0;
  for (const BlockTimes& block : times.blocks) {
    if (!block.published_ms) return std::nullopt;
    sum += *block.published_ms * static_cast<double>(block.layers);
  }
  return sum;
}

// This forward with the window attention's time replaced by full attention's.
std::optional<double> FullForward(const BenchCase& bench, const DitTimes& times) {
  if (!times.head_ms) return std::nullopt;
  double rest = times.median();
  for (const auto& [name, ms] : times.parts) {
    if (name == "window attention" || name == "gather" || name == "mean, gather") rest -= ms;
  }
  const DitConfig& config = bench.preset.dit;
  return rest + *times.head_ms * static_cast<double>(config.num_heads * config.num_layers);
}

std::string Times(double ms) {
  return ms < 1000 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.3f} s", ms / 1000);
}

double Tflops(double flop, double ms) { return flop / (ms / 1000) / 1e12; }

std::string BlockLine(const BlockTimes& block) {
  std::string line = fmt::format("  {:<12} {:>6} {:>11} {:>8.0f}", FormatWindows({block.counts}),
                                 block.layers, Times(block.ms), Tflops(block.flop, block.ms));
  if (block.published_ms) {
    line += fmt::format(" {:>12} {:>7.2f} {:>9.2g}", Times(*block.published_ms),
                        *block.published_ms / block.ms, *block.distance);
  }
  return line + (block.note.empty() ? "\n" : "   " + block.note + "\n");
}

std::string ToText(const BenchCase& bench, const DitTimes& times) {
  const auto [fastest, slowest] = std::ranges::minmax(times.runs);
  const double rate = Tflops(times.flop, times.median());
  std::string text = fmt::format("{}\n", bench.Title());
  text += fmt::format("forward            {:>10}   median of {}, {} to {}\n", Times(times.median()),
                      times.runs.size(), Times(fastest), Times(slowest));
  text += fmt::format(
      "                   {:>10.0f}   TFLOP/s, {:.0f} % of a large product's {:.0f}, "
      "which ran at {:.0f} right after\n",
      rate, 100 * rate * 1e12 / bench.product_rate, bench.product_rate / 1e12,
      times.product_rate / 1e12);
  if (!bench.device.is_cpu()) {
    text += fmt::format("the host's part    {:>10}   {:.1f} %: the launches, while the GPU works\n",
                        Times(times.host_ms), 100 * times.host_ms / times.median());
  }
  if (const auto published = PublishedForward(times)) {
    text += fmt::format("published blocks   {:>10}   {:.2f} times as long\n", Times(*published),
                        *published / times.median());
  }
  if (const auto full = FullForward(bench, times)) {
    text += fmt::format(
        "full attention     {:>10}   {:.1f} times as long; {} of {} heads measured, {} each\n",
        Times(*full), *full / times.median(), MeasuredHeads(bench), bench.preset.dit.num_heads,
        Times(*times.head_ms));
  }
  if (times.peak_bytes > 0) {
    text += fmt::format("peak of allocator  {:>10}\n", FormatBytes(times.peak_bytes));
  }
  text += "where the time of one forward goes\n";
  for (const auto& [name, ms] : times.parts) {
    text +=
        fmt::format("  {:<26} {:>10}  {:>4.1f} %\n", name, Times(ms), 100 * ms / times.median());
  }
  text += "blocks by windows   layers        time  TFLOP/s    published   times  distance\n";
  for (const BlockTimes& block : times.blocks) text += BlockLine(block);
  return text + AttentionPlansText();
}

ordered_json BlockJson(const BlockTimes& block) {
  ordered_json json{{"windows", FormatWindows({block.counts})},
                    {"layers", block.layers},
                    {"ms", block.ms},
                    {"tflops", Tflops(block.flop, block.ms)}};
  if (block.published_ms) json["published_ms"] = *block.published_ms;
  if (block.distance) json["distance_from_published"] = *block.distance;
  if (!block.note.empty()) json["note"] = block.note;
  return json;
}

ordered_json ToJson(const BenchCase& bench, const DitTimes& times) {
  const BuildInfo& build = GetBuildInfo();
  ordered_json json{{"bench", "dit"},
                    {"commit", build.commit},
                    {"torch", build.torch},
                    {"preset", bench.preset.name},
                    {"width", bench.video.width},
                    {"height", bench.video.height},
                    {"frames", bench.video.frames},
                    {"tokens", bench.grid().tokens()},
                    {"device", bench.device.str()},
                    {"dtype", bench.dtype == at::kBFloat16 ? "bf16" : "fp32"},
                    {"forward_ms", times.median()},
                    {"runs_ms", times.runs},
                    {"tflops", Tflops(times.flop, times.median())},
                    {"product_tflops", bench.product_rate / 1e12},
                    {"product_after_tflops", times.product_rate / 1e12},
                    {"host_ms", times.host_ms},
                    {"peak_bytes", times.peak_bytes}};
  for (const auto& [name, ms] : times.parts) json["parts_ms"][name] = ms;
  for (const BlockTimes& block : times.blocks) json["blocks"].push_back(BlockJson(block));
  if (const auto published = PublishedForward(times)) json["published_forward_ms"] = *published;
  if (times.head_ms) json["full_attention_head_ms"] = *times.head_ms;
  if (const auto full = FullForward(bench, times)) json["full_attention_forward_ms"] = *full;
  return json;
}

}  // namespace

Report BenchDit(const BenchRequest& request, const ProgressFn& progress,
                const CancelToken* cancel) {
  const c10::NoGradGuard no_grad;
  const RunContext context{progress, cancel, ResolveDevice(request.device), request.memory_limit};
  const BenchCase bench =
      PrepareBenchCase(request, context, FindPreset(request.preset).dit.num_layers);
  DitTimes times;
  {
    const TensorMap weights = RandomDit(bench, bench.preset.dit.num_layers);
    Stage forwards(context, "timing forwards", bench.repeats);
    TimeForward(bench, weights, bench.repeats, forwards, times);
    ReleaseCachedMemory(bench.device);
    Stage blocks(context, "timing blocks", static_cast<int64_t>(bench.cycle.size()));
    TimeBlocks(bench, weights, request.compare, blocks, times);
  }
  if (request.compare) times.head_ms = FullAttentionHead(bench);
  return {ToText(bench, times), ToJson(bench, times).dump(2)};
}

}  // namespace t3
