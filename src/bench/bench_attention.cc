// t3 bench attention: the self-attention of each layer type, compared with the published algorithm
// and full attention.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "base/check.h"
#include "bench/bench_case.h"
#include "bench/plans_file.h"
#include "bench/so_far.h"
#include "bench/timing.h"
#include "models/dit/attention_layout.h"
#include "models/dit/reference_published.h"
#include "ops/attention/attend_cudnn.h"
#include "ops/attention/window_attention.h"
#include "plan/cost.h"
#include "plan/denoiser_memory.h"
#include "plan/windows.h"
#include "runtime/device.h"
#include "runtime/stage.h"

namespace t3 {
namespace {

// q, k, v of one layer, packed as its projections give them.
struct Projected {
  at::Tensor qkv;  // (N, 3 dim)
  at::Tensor part(int64_t i) const { return qkv.chunk(3, 1)[static_cast<size_t>(i)]; }
};

// Times the published algorithm on the same input; its result must equal `result` up to rounding.
void CompareWithPublished(const BenchCase& bench, const TensorMap& block,
                          const Projected& projected, const at::Tensor& result, LayerBench& times) {
  if (!PublishedBlock::Supports(bench.grid(), times.windows)) return;
  const PublishedBlock published(bench.preset.dit, block, bench.grid());
  const auto run = [&] {
    return published.SelfAttention(projected.part(0), projected.part(1), projected.part(2),
                                   times.windows);
  };
  times.distance = DistanceOf(result, run(), {});
  T3_CHECK(*times.distance < MaxDistance(bench),
           "windows {}: this attention is {:.3g} from the published one, rounding explains at most "
           "{:.3g}",
           FormatWindows({times.windows}), *times.distance, MaxDistance(bench));
  times.published_ms = MedianTime(bench.device, 3, run, bench.poll);
  ReleaseCachedMemory(bench.device);
}

LayerBench TimeAttention(const BenchCase& bench, const TensorMap& block, const Projected& projected,
                         const WindowCounts& counts, const BenchRequest& request) {
  const DitConfig& config = bench.preset.dit;
  DitConfig layer = config;
  layer.num_layers = 1;
  LayerBench times{.windows = counts};
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
                            .rope = &attention.rope(),
                            .fp8 = bench.fp8},
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

std::string DescribeLayers(const std::vector<LayerBench>& layers) {
  std::vector<std::string> times;
  for (const LayerBench& layer : layers)
    times.push_back(fmt::format("windows {} {:.2f} ms", FormatWindows({layer.windows}), layer.ms));
  return fmt::format("{}", fmt::join(times, ", "));
}

}  // namespace

AttentionBenchResult BenchAttention(const BenchRequest& request, const ProgressFn& progress,
                                    const CancelToken* cancel) {
  const c10::NoGradGuard no_grad;
  UsePlansFile(request.plans, request.save);
  const RunContext context{progress, cancel, ResolveDevice(request.device), request.memory_limit};
  const BenchCase bench = PrepareBenchCase(request, context, /*layers=*/1);
  const DitConfig& config = bench.preset.dit;
  Stage stage(context, "timing attention", std::ssize(bench.cycle));
  const TensorMap block = BlockTensors(RandomDit(bench, 1), bench.dtype);
  const Projected projected{at::randn({bench.grid().tokens(), 3 * config.dim},
                                      at::device(bench.device).dtype(bench.dtype))};
  AttentionBenchResult result;
  result.setup = bench.Setup();
  const auto measure = [&] {
    for (const WindowCounts& counts : bench.cycle) {
      result.layers.push_back(TimeAttention(bench, block, projected, counts, request));
      stage.Advance(std::ssize(result.layers));
    }
    if (request.compare) result.full_attention = TimeFullAttention(bench);
  };
  KeepWhatWasMeasured(measure, [&] { return DescribeLayers(result.layers); });
  SaveToPlansFile(request.plans, request.save);
  result.attention_plans = DescribeAttentionPlans();
  return result;
}

}  // namespace t3
