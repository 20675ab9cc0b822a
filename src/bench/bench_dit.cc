// t3 bench dit: a forward, its parts and its blocks by layer type, compared with the published
// block and full attention.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "arch/dit.h"
#include "base/check.h"
#include "bench/bench_block.h"
#include "bench/bench_case.h"
#include "bench/bench_products.h"
#include "bench/plans_file.h"
#include "bench/so_far.h"
#include "bench/timing.h"
#include "models/dit/dit.h"
#include "models/dit/weights.h"
#include "ops/attention/attend_cudnn.h"
#include "ops/profiler.h"
#include "runtime/device.h"
#include "runtime/stage.h"

namespace t3 {
namespace {

constexpr int64_t kTextTokens = 120;

// A forward with inputs of its own.
class BenchForward {
 public:
  BenchForward(const BenchCase& bench, const TensorMap& weights)
      : config_(bench.preset.dit),
        dit_(config_, weights),
        text_(dit_.PrepareText(Random(bench, {kTextTokens, config_.text_dim}, bench.dtype))),
        attention_(AttentionLayout::Make(AttentionPattern::kT3, bench.cycle, bench.grid(),
                                         config_.num_layers, config_.head_dim(), bench.device)),
        latents_(Random(bench,
                        {config_.latent_channels, bench.video.latent.t, bench.video.latent.h,
                         bench.video.latent.w},
                        at::kFloat)) {}

  at::Tensor operator()() const { return dit_.Forward(latents_, 500, 0, text_, attention_); }

 private:
  static at::Tensor Random(const BenchCase& bench, at::IntArrayRef shape, at::ScalarType dtype) {
    return at::randn(shape, at::device(bench.device).dtype(dtype));
  }

  const DitConfig& config_;
  Dit dit_;
  TextContext text_;
  AttentionLayout attention_;
  at::Tensor latents_;
};

void CheckForward(const BenchForward& forward) {
  T3_CHECK(forward().isfinite().all().item<bool>(),
           "the forward pass gives values that are not finite");
}

// Of the matrices that codes replace. They are here for the forwards in bf16.
int64_t ReplacedBytes(const TensorMap& weights) {
  size_t bytes = 0;
  for (const auto& [name, tensor] : weights)
    if (IsFp8Weight(name)) bytes += tensor.nbytes();
  return static_cast<int64_t>(bytes);
}

int64_t PeakOf(const BenchCase& bench, const TensorMap& weights, const BenchForward& forward) {
  ReleaseCachedMemory(bench.device);
  ResetDevicePeak(bench.device);
  forward();
  return DevicePeak(bench.device) -
         (bench.bf16_beside && bench.device.is_cuda() ? ReplacedBytes(weights) : 0);
}

BenchProfile ProfileOf(const BenchCase& bench, const BenchForward& forward) {
  Profiler profiler(bench.device);
  forward();
  return profiler.Milliseconds();
}

// In fp8 a run of bf16 follows each, so that both find the GPU equally hot.
void TimeForwards(const BenchCase& bench, const BenchForward& forward, const BenchForward* bf16,
                  Stage& stage, DitBenchResult& result) {
  const auto run = [&](const BenchForward& of) { return TimeRun(bench.device, [&] { of(); }); };
  for (int64_t i = 0; i < bench.repeats; ++i) {
    if (bench.poll) bench.poll();
    result.runs_ms.push_back(run(forward));
    if (bf16) {
      if (bench.poll) bench.poll();
      result.bf16->runs_ms.push_back(run(*bf16));
    }
    stage.Advance(i + 1);
  }
  result.forward_ms = Median(result.runs_ms);
  if (bf16) result.bf16->forward_ms = Median(result.bf16->runs_ms);
}

// What the forward takes. In fp8 alone `weights` are given up: a run in fp8 has no weights in bf16.
TensorMap WeightsOfForward(const BenchCase& bench, TensorMap& weights) {
  if (!bench.fp8) return weights;
  TensorMap codes = WithFp8Weights(weights);
  if (!bench.bf16_beside) weights.clear();
  return codes;
}

// The whole forward and its parts. In fp8 alone no weights are left.
void TimeForward(const BenchCase& bench, TensorMap& weights, Stage& stage, DitBenchResult& result) {
  result.flop = FlopOf(bench, bench.preset.dit.num_layers, bench.cycle);
  std::optional<BenchForward> bf16;
  const BenchForward forward(bench, WeightsOfForward(bench, weights));
  CheckForward(forward);
  result.peak_bytes = PeakOf(bench, weights, forward);
  if (bench.bf16_beside) {
    result.bf16.emplace();
    CheckForward(bf16.emplace(bench, weights));
  }
  TimeForwards(bench, forward, bf16 ? &*bf16 : nullptr, stage, result);
  result.product_rate = ProductRate(bench.device, bench.dtype);  // with the GPU at its hottest
  Synchronize(bench.device);
  const auto begin = std::chrono::steady_clock::now();
  forward();
  result.host_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  Synchronize(bench.device);
  result.profile = ProfileOf(bench, forward);
  if (bf16) result.bf16->profile = ProfileOf(bench, *bf16);
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

std::string DescribeForwards(const DitBenchResult& result, int64_t repeats) {
  std::string text = DescribeRuns(result.runs_ms, repeats, "forwards");
  if (result.bf16 && !result.bf16->runs_ms.empty())
    text += "; in bf16 " + DescribeRuns(result.bf16->runs_ms, repeats, "forwards");
  return text;
}

void Measure(const BenchRequest& request, const RunContext& context, const BenchCase& bench,
             DitBenchResult& result) {
  {
    TensorMap weights = RandomDit(bench, bench.preset.dit.num_layers);
    Stage forwards(context, "timing forwards", bench.repeats);
    TimeForward(bench, weights, forwards, result);
    ReleaseCachedMemory(bench.device);
    if (weights.empty()) weights = RandomDit(bench, 1);
    Stage blocks(context, "timing blocks", std::ssize(bench.cycle));
    BenchBlocks(bench, weights, request.compare, blocks, result.blocks);
    if (bench.bf16_beside) result.products = BenchProducts(bench, weights);
  }
  result.published_forward_ms = PublishedForward(result.blocks);
  if (request.compare) {
    result.full_attention = TimeFullAttention(bench);
    result.full_attention_forward_ms = FullForward(bench.preset.dit, result);
  }
  result.attention_plans = DescribeAttentionPlans();
}

}  // namespace

DitBenchResult BenchDit(const BenchRequest& request, const ProgressFn& progress,
                        const CancelToken* cancel) {
  if (!request.bf16 && (request.dtype != ComputeDtype::kFp8 || request.compare)) {
    FailUsage("`no-bf16` is for `dtype` fp8, without a comparison");
  }
  const c10::NoGradGuard no_grad;
  UsePlansFile(request.plans, request.save);
  const RunContext context{progress, cancel, ResolveDevice(request.device), request.memory_limit};
  const BenchCase bench =
      PrepareBenchCase(request, context, FindPreset(request.preset).dit.num_layers);
  DitBenchResult result;
  result.setup = bench.Setup();
  KeepWhatWasMeasured([&] { Measure(request, context, bench, result); },
                      [&] { return DescribeForwards(result, bench.repeats); });
  SaveToPlansFile(request.plans, request.save);
  return result;
}

}  // namespace t3
