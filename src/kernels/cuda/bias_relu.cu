// Bias, residual and ReLU of feature maps.
#include "kernels/bias_relu.h"
#include "kernels/cuda/map_vectors.cuh"

namespace t3::kernels {
namespace {

template <typename T>
__global__ void __launch_bounds__(kMapThreads) BiasReluKernel(const BiasReluArgs args) {
  constexpr int kN = kLanes<T>;
  const unsigned int vectors = static_cast<unsigned int>(args.channels / kN);
  const unsigned int vector = GlobalThread();
  if (vector >= static_cast<unsigned int>(args.positions) * vectors) return;
  const int64_t element = static_cast<int64_t>(vector) * kN;
  float y[kN];
  Load(static_cast<const T*>(args.y), element, y);
  if (args.bias != nullptr) {
    float bias[kN];
    LoadFloats(args.bias + vector % vectors * kN, bias);
#pragma unroll
    for (int j = 0; j < kN; ++j) y[j] += bias[j];
  }
  if (args.x != nullptr) {
    float x[kN];
    Load(static_cast<const T*>(args.x), element, x);
#pragma unroll
    for (int j = 0; j < kN; ++j) y[j] += x[j];
  }
#pragma unroll
  for (int j = 0; j < kN; ++j) y[j] = y[j] < 0 ? 0 : y[j];  // NaN stays
  Store(static_cast<T*>(args.out), element, y);
}

}  // namespace

void LaunchBiasRelu(const BiasReluArgs& args, Stream stream) {
  DispatchDType(args.type, [&]<typename T>() {
    const int64_t vectors = args.positions * args.channels / kLanes<T>;
    BiasReluKernel<T><<<TokenBlocks(vectors, kMapThreads), kMapThreads, 0, ToCuda(stream)>>>(args);
  });
  CheckLaunch("BiasRelu");
}

}  // namespace t3::kernels
