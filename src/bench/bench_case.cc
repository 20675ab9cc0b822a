// Sets benchmarks up.
#include "bench/bench_case.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "arch/dit.h"
#include "base/check.h"
#include "bench/timing.h"
#include "models/dit/weights.h"
#include "nn/random_weights.h"
#include "ops/attention/attend.h"
#include "pipeline/run_settings.h"
#include "plan/windows.h"
#include "runtime/device.h"

namespace t3 {

BenchSetup BenchCase::Setup() const {
  return {preset.name,     video.width,  video.height,          video.frames,
          grid().tokens(), device.str(), ToComputeDtype(dtype), product_rate};
}

BenchCase PrepareBenchCase(const BenchRequest& request) {
  if (request.width.has_value() != request.height.has_value()) {
    FailUsage("give both a width and a height");
  }
  if (request.repeats < 1 || request.repeats > 1000) {
    FailUsage("`repeats` {} is outside 1 to 1000", request.repeats);
  }
  const ModelPreset& preset = FindPreset(request.preset);
  const at::Device device = ResolveDevice(request.device);
  UseExactFloat32();
  LimitDeviceMemory(device, request.memory_limit);
  BenchCase bench{preset,
                  device,
                  ResolveDtype(request.dtype, device),
                  PlanVideo(request.width.value_or(preset.defaults.width),
                            request.height.value_or(preset.defaults.height),
                            request.frames.value_or(preset.defaults.frames), preset.vae),
                  {}};
  bench.cycle =
      request.windows.empty()
          ? PlanWindows(bench.grid(), PublishedWindows(FamilyOf(preset.dit.latent_channels)))
          : ParseWindows(request.windows);
  CheckWindows(bench.cycle, bench.grid());
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

double MaxDistance(at::ScalarType dtype) { return dtype == at::kBFloat16 ? 0.02 : 1e-4; }

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
  const double ms = std::ranges::min(TimeRuns(bench.device, bench.device.is_cuda() ? 9 : 3, [&] {
    Attend(q, k, v, {}, ExecutionMode::kInPlace);
  }));
  return {ms / static_cast<double>(heads), heads, all};
}

}  // namespace t3
