// Shared by the denoiser's benchmarks: sizes, random weights, comparison.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "config/presets.h"
#include "nn/tensor_map.h"
#include "plan/geometry.h"
#include "runtime/stage.h"
#include "t3video/bench.h"

namespace t3 {

struct BenchCase {
  const ModelPreset& preset;
  at::Device device;
  at::ScalarType dtype;  // of tensors: bf16 in fp8
  bool fp8;
  bool bf16_beside;  // in fp8: bf16 is measured too, and its weights are in memory
  VideoGeometry video;
  WindowCycle cycle;
  int64_t repeats = 0;
  std::function<void()> poll;  // between runs: throws when the benchmark was cancelled
  double product_rate = 0;     // FLOP/s of a large product on this device

  const Grid& grid() const { return video.grid; }
  BenchSetup Setup() const;
};

// Resolves the request for `context.device` and measures the rate of a product. `layers` is the
// number of layers whose weights are made. Throws Error of kind kUsage for values out of range,
// kFailed when a CPU has too little memory: the system would kill the process.
BenchCase PrepareBenchCase(const BenchRequest& request, const RunContext& context, int64_t layers);

// Random weights of a denoiser with `layers` layers, drawn on the device; fp32 where Dit needs
// fp32.
TensorMap RandomDit(const BenchCase& bench, int64_t layers);
// The tensors of block 0 of `dit` in one dtype, names without their prefix.
TensorMap BlockTensors(const TensorMap& dit, at::ScalarType dtype);

// |(a - base) - (b - base)| / |b - base| over matrices of any size, a chunk of rows at a time;
// `base` may be undefined (0).
double DistanceOf(const at::Tensor& a, const at::Tensor& b, const at::Tensor& base);

// Maximum distance between two correct results in the dtype, each of which is rounded some ten
// times (0.0065 and 0.0073 from fp32 in bf16, docs/results/generate-4k.md). e4m3 codes are some ten
// times coarser than bf16, and a block of them was 0.05 away.
double MaxDistance(const BenchCase& bench);

// Full attention over all tokens, with the fastest kernel available: the minimum of several runs.
// Of one head if its tokens fill a GPU, else of all.
FullAttentionBench TimeFullAttention(const BenchCase& bench);

}  // namespace t3
