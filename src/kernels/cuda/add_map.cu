// Bias and residual of feature maps.
#include "kernels/add_map.h"
#include "kernels/cuda/map_vectors.cuh"

namespace t3::kernels {
namespace {

template <typename T>
__global__ void __launch_bounds__(kMapThreads) AddMapKernel(const AddMapArgs args) {
  constexpr int kN = kLanes<T>;
  const unsigned int vectors = static_cast<unsigned int>(args.channels / kN);
  const unsigned int frame_vectors = static_cast<unsigned int>(args.frame_positions) * vectors;
  const unsigned int vector = GlobalThread();
  const unsigned int frame = vector / frame_vectors;
  if (frame >= args.frames) return;
  const int64_t element = static_cast<int64_t>(vector) * kN;
  const int64_t in_frame = static_cast<int64_t>(vector - frame * frame_vectors) * kN;
  float y[kN], x[kN], bias[kN];
  T* out = static_cast<T*>(args.y);
  Load(out, element, y);
  Load(static_cast<const T*>(args.x), frame * args.x_frame_stride + in_frame, x);
  LoadFloats(args.bias + vector % vectors * kN, bias);
#pragma unroll
  for (int j = 0; j < kN; ++j) y[j] += bias[j] + x[j];
  Store(out, element, y);
}

}  // namespace

void LaunchAddMap(const AddMapArgs& args, Stream stream) {
  DispatchDType(args.type, [&]<typename T>() {
    const int64_t vectors = args.frames * args.frame_positions * args.channels / kLanes<T>;
    AddMapKernel<T><<<TokenBlocks(vectors, kMapThreads), kMapThreads, 0, ToCuda(stream)>>>(args);
  });
  CheckLaunch("AddMap");
}

}  // namespace t3::kernels
