// Sets benchmarks up.
#include "bench/bench_case.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "arch/dit.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"
#include "bench/timing.h"
#include "models/dit/weights.h"
#include "nn/random_weights.h"
#include "ops/attention/attend.h"
#include "pipeline/run_settings.h"
#include "plan/windows.h"
#include "runtime/device.h"

namespace t3 {

BenchSetup BenchCase::Setup() const {
  return {preset.name,
          video.width,
          video.height,
          video.frames,
          grid().tokens(),
          device.str(),
          fp8 ? ComputeDtype::kFp8 : ToComputeDtype(dtype),
          product_rate};
}

namespace {

// What a CPU times within minutes; a GPU gets the preset's size.
constexpr int64_t kCpuWidth = 256, kCpuHeight = 144, kCpuFrames = 17, kCpuRepeats = 3;
constexpr int64_t kGpuRepeats = 20;

VideoGeometry GeometryToTime(const BenchRequest& request, const ModelPreset& preset, bool on_gpu) {
  const GenerationDefaults& defaults = preset.defaults;
  return PlanVideo(request.width.value_or(on_gpu ? defaults.width : kCpuWidth),
                   request.height.value_or(on_gpu ? defaults.height : kCpuHeight),
                   request.frames.value_or(on_gpu ? defaults.frames : kCpuFrames), preset.vae);
}

// An estimate from above of the matrices of tokens that live at once: q, k and v, as they are and
// as the published code arranges them, results, and the widened layer between two products.
void CheckCpuMemory(const BenchCase& bench, int64_t layers, int64_t limit) {
  DitConfig config = bench.preset.dit;
  config.num_layers = layers;
  int64_t elements = bench.grid().tokens() * (16 * config.dim + 2 * config.ffn_dim);
  for (const TensorSpec& spec : DitTensors(config)) {
    elements += std::accumulate(spec.shape.begin(), spec.shape.end(), int64_t{1},
                                std::multiplies<int64_t>());
  }
  const int64_t needed = elements * static_cast<int64_t>(c10::elementSize(bench.dtype));
  const int64_t free = AvailableBytes(bench.device);
  const int64_t available = limit > 0 ? std::min(limit, free) : free;
  T3_CHECK(needed <= available,
           "{}x{}, {} ({}): the benchmark needs about {}, but the CPU has {} "
           "available; a smaller `size` or fewer `frames` need less",
           bench.video.width, bench.video.height, Counted(bench.video.frames, "frame"),
           Counted(bench.grid().tokens(), "token"), FormatBytes(needed), FormatBytes(available));
}

}  // namespace

BenchCase PrepareBenchCase(const BenchRequest& request, const RunContext& context, int64_t layers) {
  if (request.width.has_value() != request.height.has_value()) {
    FailUsage("give both a width and a height");
  }
  const at::Device device = context.device;
  const int64_t repeats = request.repeats.value_or(device.is_cuda() ? kGpuRepeats : kCpuRepeats);
  CheckRepeats(repeats);
  const ModelPreset& preset = FindPreset(request.preset);
  UseExactFloat32();
  LimitDeviceMemory(device, request.memory_limit);
  const at::ScalarType dtype = ResolveDtype(request.dtype, device);
  BenchCase bench{preset,
                  device,
                  ArithmeticDtype(dtype, device.is_cuda()),
                  dtype == at::kFloat8_e4m3fn,
                  dtype == at::kFloat8_e4m3fn && request.bf16,
                  GeometryToTime(request, preset, device.is_cuda()),
                  {},
                  repeats,
                  [&context] { context.CheckCancelled(); }};
  bench.cycle =
      request.windows.empty()
          ? PlanWindows(bench.grid(), PublishedWindows(FamilyOf(preset.dit.latent_channels)))
          : ParseWindows(request.windows);
  CheckWindows(bench.cycle, bench.grid());
  if (!device.is_cuda()) CheckCpuMemory(bench, layers, request.memory_limit);
  bench.product_rate = ProductRate(device, bench.dtype);
  ReleaseCachedMemory(device);
  return bench;
}

TensorMap RandomDit(const BenchCase& bench, int64_t layers) {
  TensorMap tensors;
  DitConfig config = bench.preset.dit;
  config.num_layers = layers;
  for (const TensorSpec& spec : DitTensors(config)) {
    const RandomScale scale = DefaultScale(spec);
    const at::ScalarType dtype = IsFloatTensor(spec.name) ? at::kFloat : bench.dtype;
    tensors[spec.name] = at::randn(spec.shape, at::device(bench.device).dtype(dtype))
                             .mul_(scale.std)
                             .add_(scale.mean);
  }
  return tensors;
}

TensorMap BlockTensors(const TensorMap& dit, at::ScalarType dtype) {
  const std::string prefix = "blocks.0.";
  TensorMap block;
  for (const auto& [name, tensor] : dit) {
    if (name.starts_with(prefix)) block[name.substr(prefix.size())] = tensor.to(dtype);
  }
  return block;
}

double DistanceOf(const at::Tensor& a, const at::Tensor& b, const at::Tensor& base) {
  constexpr int64_t kRows = 65'536;
  double difference = 0, size = 0;
  for (int64_t first = 0; first < b.size(0); first += kRows) {
    const int64_t rows = std::min(kRows, b.size(0) - first);
    const auto wide = [&](const at::Tensor& x) { return x.narrow(0, first, rows).to(at::kFloat); };
    const at::Tensor want = base.defined() ? wide(b) - wide(base) : wide(b);
    const at::Tensor got = base.defined() ? wide(a) - wide(base) : wide(a);
    difference += (got - want).square().sum(at::kDouble).item<double>();
    size += want.square().sum(at::kDouble).item<double>();
  }
  return std::sqrt(difference / size);
}

double MaxDistance(const BenchCase& bench) {
  if (bench.fp8) return 0.12;
  return bench.dtype == at::kBFloat16 ? 0.02 : 1e-4;
}

FullAttentionBench TimeFullAttention(const BenchCase& bench) {
  constexpr int64_t kManyTokens = 131'072;
  const int64_t all = bench.preset.dit.num_heads;
  const int64_t heads = bench.grid().tokens() >= kManyTokens ? 1 : all;
  const auto random = [&] {
    return at::randn({1, bench.grid().tokens(), heads, bench.preset.dit.head_dim()},
                     at::device(bench.device).dtype(bench.dtype));
  };
  const at::Tensor q = random(), k = random(), v = random();
  // The first runs may try several kernels.
  const double ms = std::ranges::min(TimeRuns(
      bench.device, bench.device.is_cuda() ? 9 : 3,
      [&] { Attend(q, k, v, {}, ExecutionMode::kInPlace); }, bench.poll));
  return {ms / static_cast<double>(heads), heads, all};
}

}  // namespace t3
