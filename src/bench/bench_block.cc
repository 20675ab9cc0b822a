// A block of this project and the published one on the same input.
#include "bench/bench_block.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "bench/timing.h"
#include "models/dit/dit.h"
#include "models/dit/reference_published.h"
#include "models/dit/weights.h"
#include "plan/cost.h"
#include "plan/denoiser_memory.h"
#include "plan/windows.h"
#include "runtime/device.h"

namespace t3 {
namespace {

constexpr int64_t kBlockRepeats = 5;

// Both blocks of one layer type on the same input.
class BlockTimer {
 public:
  BlockTimer(const BenchCase& bench, const TensorMap& weights)
      : bench_(bench),
        config_(bench.preset.dit),
        weights_(weights),
        published_(BlockTensors(weights, bench.dtype)),
        block_(config_, bench.fp8 ? WithFp8Weights(FirstBlock()) : weights, "blocks.0"),
        x_(Random({bench.grid().tokens(), config_.dim}, 1)),
        time_(Random({6, config_.dim}, 0.3)),
        text_(Random({config_.text_len, config_.dim}, 1)) {}

  LayerBench Run(const WindowCounts& counts, bool compare) const {
    LayerBench times{.windows = counts, .flop = FlopOf(bench_, 1, {counts})};
    const AttentionLayout attention = AttentionLayout::Make(
        AttentionPattern::kT3, {counts}, bench_.grid(), 1, config_.head_dim(), bench_.device);
    at::Tensor x = Output(block_, attention, bench_.dtype);
    if (compare) Compare(x, counts, times);
    if (bench_.bf16_beside) CompareWithBf16(x, attention, compare, times);
    times.ms = Time(block_, attention, x);
    return times;
  }

 private:
  at::Tensor Random(at::IntArrayRef shape, double scale) const {
    return at::randn(shape, at::device(bench_.device).dtype(bench_.dtype)).mul_(scale);
  }

  TensorMap FirstBlock() const {
    TensorMap first;
    for (const auto& [name, tensor] : weights_)
      if (name.starts_with("blocks.0.")) first[name] = tensor;
    return first;
  }

  BlockContext Context(const DitBlock& block, const AttentionLayout& attention,
                       at::ScalarType dtype) const {
    return {.time = time_.to(at::kFloat).unsqueeze(0),
            .windows = &attention.layer(0),
            .rope = &attention.rope(),
            .text = block.PrepareText(text_.to(dtype).unsqueeze(0), ExecutionMode::kInPlace),
            .scratch_bytes = DenoiserScratchBytes(bench_.device.is_cuda())};
  }

  at::Tensor Output(const DitBlock& block, const AttentionLayout& attention,
                    at::ScalarType dtype) const {
    at::Tensor x = x_.to(dtype, /*non_blocking=*/false, /*copy=*/true);
    block.Forward(x, Context(block, attention, dtype));
    return x;
  }

  double Time(const DitBlock& block, const AttentionLayout& attention, at::Tensor& x) const {
    const BlockContext context = Context(block, attention, bench_.dtype);
    return MedianTime(
        bench_.device, kBlockRepeats, [&] { block.Forward(x, context); }, bench_.poll);
  }

  // The block in bf16, and where `compare` the distance of both from the block in fp32, whose
  // weights are the same numbers.
  void CompareWithBf16(const at::Tensor& result, const AttentionLayout& attention, bool compare,
                       LayerBench& times) const {
    const DitBlock narrow(config_, weights_, "blocks.0");
    at::Tensor x = Output(narrow, attention, bench_.dtype);
    if (compare) {
      TensorMap first = FirstBlock();
      for (auto& entry : first) entry.second = entry.second.to(at::kFloat);
      const at::Tensor exact = Output(DitBlock(config_, first, "blocks.0"), attention, at::kFloat);
      times.fp32_distance = DistanceOf(result, exact, x_);
      times.bf16_fp32_distance = DistanceOf(x, exact, x_);
    }
    ReleaseCachedMemory(bench_.device);
    times.bf16_ms = Time(narrow, attention, x);
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
      T3_CHECK(*times.distance < MaxDistance(bench_),
               "windows {}: this block is {:.3g} from the published one, rounding explains at most "
               "{:.3g}; "
               "the timing would be of a wrong result",
               FormatWindows({counts}), *times.distance, MaxDistance(bench_));
      times.published_ms = MedianTime(bench_.device, 2, run, bench_.poll);
    } catch (const c10::OutOfMemoryError&) {
      times.note = "the published block does not fit in memory";
    }
    ReleaseCachedMemory(bench_.device);
  }

  const BenchCase& bench_;
  const DitConfig& config_;
  const TensorMap& weights_;
  TensorMap published_;  // in one dtype
  DitBlock block_;
  at::Tensor x_, time_, text_;
};

}  // namespace

double FlopOf(const BenchCase& bench, int64_t layers, const WindowCycle& cycle) {
  DitConfig config = bench.preset.dit;
  config.num_layers = layers;
  return 2 * CostOfForward(config, AttentionPattern::kT3, cycle, bench.grid()).total();
}

void BenchBlocks(const BenchCase& bench, const TensorMap& weights, bool compare, Stage& stage,
                 std::vector<LayerBench>& results) {
  const BlockTimer timer(bench, weights);
  for (const WindowCounts& counts : bench.cycle) {
    stage.Advance(std::ssize(results));
    results.push_back(timer.Run(counts, compare));
  }
  for (int64_t layer = 0; layer < bench.preset.dit.num_layers; ++layer) {
    ++results[static_cast<size_t>(layer) % results.size()].layers;
  }
}

}  // namespace t3
