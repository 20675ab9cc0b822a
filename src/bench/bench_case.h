// What the benchmarks of the denoiser share: sizes, random weights, comparison.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "config/presets.h"
#include "nn/tensor_map.h"
#include "plan/geometry.h"
#include "t3video/bench.h"

namespace t3 {

struct BenchCase {
  const ModelPreset& preset;
  at::Device device;
  at::ScalarType dtype;
  VideoGeometry video;
  WindowCycle cycle;
  double product_rate = 0;  // FLOP/s of a large product on this device

  const Grid& grid() const { return video.grid; }
  std::string Title() const;  // preset, size, dtype, device
};

// Settles the request and measures the product's rate. Throws Error of kind kUsage for what no run
// could take.
BenchCase MakeBenchCase(const BenchRequest& request);

// Random weights of a denoiser with so many layers, drawn on the device; those that Dit keeps in
// fp32 are fp32.
TensorMap RandomDit(const BenchCase& bench, int64_t layers);
// The tensors of block 0 of `dit` in one dtype, names without their prefix.
TensorMap BlockTensors(const TensorMap& dit, at::ScalarType dtype);

// |(a - base) - (b - base)| / |b - base| over matrices of any size, a piece of rows at a time;
// `base` may be undefined (0).
double DistanceOf(const at::Tensor& a, const at::Tensor& b, const at::Tensor& base);

// How far two right results in `dtype` can be apart: each is rounded some ten times on its way
// (0.0065 and 0.0073 from fp32 in bf16, docs/results/generate-4k.md).
double MostDistance(at::ScalarType dtype);

// Milliseconds of full attention over all tokens of `MeasuredHeads` heads, by head, with the
// fastest kernel at hand: the least of several runs.
double FullAttentionHead(const BenchCase& bench);
// One where its tokens fill a GPU, else all.
int64_t MeasuredHeads(const BenchCase& bench);

// How each shape of attention chose among cuDNN's plans so far; "" where nothing chose.
std::string AttentionPlansText();

}  // namespace t3
