// t3 bench dit: a forward, its parts and its blocks by layer type, compared with the published
// block and full attention.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/check.h"
#include "bench/bench_case.h"
#include "bench/timing.h"
#include "models/dit/dit.h"
#include "models/dit/reference_published.h"
#include "ops/attention/attend_cudnn.h"
#include "ops/profiler.h"
#include "plan/cost.h"
#include "plan/denoiser_memory.h"
#include "plan/windows.h"
#include "runtime/device.h"
#include "runtime/stage.h"

namespace t3 {
namespace {

constexpr int64_t kTextTokens = 120;
constexpr int64_t kBlockRepeats = 5;

double CostOf(const BenchCase& bench, int64_t layers, const WindowCycle& cycle) {
  DitConfig config = bench.preset.dit;
  config.num_layers = layers;
  return 2 * CostOfForward(config, AttentionPattern::kT3, cycle, bench.grid()).total();
}

// The whole forward and its parts.
void TimeForward(const BenchCase& bench, const TensorMap& weights, int64_t repeats, Stage& stage,
                 DitBenchResult& result) {
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
  result.runs_ms = TimeRuns(bench.device, repeats, [&] {
    forward();
    stage.Advance(done++);
  });
  result.forward_ms = Median(result.runs_ms);
  result.peak_bytes = DevicePeak(bench.device);
  result.product_rate = ProductRate(bench.device, bench.dtype);  // with the GPU at its hottest
  Synchronize(bench.device);
  const auto begin = std::chrono::steady_clock::now();
  forward();
  result.host_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  Synchronize(bench.device);
  Profiler profiler(bench.device);
  forward();
  result.profile = profiler.Milliseconds();
  result.flop = CostOf(bench, config.num_layers, bench.cycle);
}

// Both blocks of one layer type on the same input.
class BlockTimer {
 public:
  BlockTimer(const BenchCase& bench, const TensorMap& weights)
      : bench_(bench),
        config_(bench.preset.dit),
        published_(BlockTensors(weights, bench.dtype)),
        block_(config_, weights, "blocks.0"),
        x_(Random({bench.grid().tokens(), config_.dim}, 1)),
        time_(Random({6, config_.dim}, 0.3)),
        text_(Random({config_.text_len, config_.dim}, 1)) {}

  LayerBench Run(const WindowCounts& counts, bool compare) const {
    LayerBench times{.windows = counts, .flop = CostOf(bench_, 1, {counts})};
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

  void Compare(const at::Tensor& result, const WindowCounts& counts, LayerBench& times) const {
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
                DitBenchResult& result) {
  const BlockTimer blocks(bench, weights);
  for (const WindowCounts& counts : bench.cycle) {
    stage.Advance(std::ssize(result.blocks));
    result.blocks.push_back(blocks.Run(counts, compare));
  }
  for (int64_t layer = 0; layer < bench.preset.dit.num_layers; ++layer) {
    ++result.blocks[static_cast<size_t>(layer) % result.blocks.size()].layers;
  }
}

// The published forward as the sum of its blocks; absent if one was not measured.
std::optional<double> PublishedForward(const std::vector<LayerBench>& blocks) {
  double sum = 0;
  for (const LayerBench& block : blocks) {
    if (!block.published_ms) return std::nullopt;
    sum += *block.published_ms * static_cast<double>(block.layers);
  }
  return sum;
}

// This forward with the window attention's time replaced by full attention's.
double FullForward(const DitConfig& config, const DitBenchResult& result) {
  double rest = result.forward_ms;
  for (const auto& [name, ms] : result.profile) {
    if (name == "window attention" || name == "gather" || name == "mean, gather") rest -= ms;
  }
  return rest +
         result.full_attention->head_ms * static_cast<double>(config.num_heads * config.num_layers);
}

}  // namespace

DitBenchResult BenchDit(const BenchRequest& request, const ProgressFn& progress,
                        const CancelToken* cancel) {
  const c10::NoGradGuard no_grad;
  const RunContext context{progress, cancel, ResolveDevice(request.device), request.memory_limit};
  const BenchCase bench =
      PrepareBenchCase(request, context, FindPreset(request.preset).dit.num_layers);
  DitBenchResult result;
  result.setup = bench.Setup();
  {
    const TensorMap weights = RandomDit(bench, bench.preset.dit.num_layers);
    Stage forwards(context, "timing forwards", bench.repeats);
    TimeForward(bench, weights, bench.repeats, forwards, result);
    ReleaseCachedMemory(bench.device);
    Stage blocks(context, "timing blocks", std::ssize(bench.cycle));
    TimeBlocks(bench, weights, request.compare, blocks, result);
  }
  result.published_forward_ms = PublishedForward(result.blocks);
  if (request.compare) {
    result.full_attention = TimeFullAttention(bench);
    result.full_attention_forward_ms = FullForward(bench.preset.dit, result);
  }
  result.attention_plans = DescribeAttentionPlans();
  return result;
}

}  // namespace t3
