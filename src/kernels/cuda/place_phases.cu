// Interleaves the four phases of an upsampled map and adds bias and shortcut.
#include "kernels/cuda/map_vectors.cuh"
#include "kernels/place_phases.h"

namespace t3::kernels {
namespace {

// What the shortcut adds to channels [channel, channel + N) of one pixel of `out`.
template <typename T>
__device__ void AddShortcut(const PlacePhasesArgs& args, unsigned int frame, int64_t row,
                            int64_t column, int64_t channel, float (&y)[kLanes<T>]) {
  const unsigned int copy = frame + static_cast<unsigned int>(args.dropped);
  const unsigned int factor = static_cast<unsigned int>(args.time_factor);
  const unsigned int repeats = static_cast<unsigned int>(args.repeats);
  const unsigned int offset =
      copy % factor * 4 + static_cast<unsigned int>(row % 2 * 2 + column % 2);
  const T* source =
      static_cast<const T*>(args.source) + copy / factor * args.source_frame_stride +
      ((row / 2 + args.source_first_row) * args.columns + column / 2) * args.source_channels;
#pragma unroll
  for (int j = 0; j < kLanes<T>; ++j) {
    const unsigned int from =
        ((static_cast<unsigned int>(channel) + j) * factor * 4 + offset) / repeats;
    y[j] += static_cast<float>(source[from]);
  }
}

template <typename T>
__global__ void __launch_bounds__(kMapThreads) PlacePhasesKernel(const PlacePhasesArgs args) {
  constexpr int kN = kLanes<T>;
  const unsigned int vectors = static_cast<unsigned int>(args.channels / kN);
  const unsigned int width = static_cast<unsigned int>(2 * args.columns);
  const unsigned int out_rows = static_cast<unsigned int>(args.out_rows);
  const unsigned int vector = GlobalThread();
  const unsigned int pixel = vector / vectors;
  const unsigned int line = pixel / width;
  const unsigned int frame = line / out_rows;
  if (frame >= args.frames) return;
  const int64_t channel = vector % vectors * kN;
  const int64_t column = pixel % width;
  const int64_t row = line % out_rows + args.first_row;
  const int64_t phase = row % 2 * 2 + column % 2;
  const int64_t from =
      (frame * args.phase_rows + row / 2 + row % 2) * (args.columns + 1) + column / 2 + column % 2;
  float y[kN], bias[kN];
  Load(static_cast<const T*>(args.phases), (from * 4 + phase) * args.channels + channel, y);
  LoadFloats(args.bias + channel, bias);
#pragma unroll
  for (int j = 0; j < kN; ++j) y[j] += bias[j];
  if (args.source) AddShortcut<T>(args, frame, row, column, channel, y);
  Store(static_cast<T*>(args.out), static_cast<int64_t>(vector) * kN, y);
}

}  // namespace

void LaunchPlacePhases(const PlacePhasesArgs& args, Stream stream) {
  DispatchDType(args.type, [&]<typename T>() {
    const int64_t vectors =
        args.frames * args.out_rows * 2 * args.columns * args.channels / kLanes<T>;
    PlacePhasesKernel<T>
        <<<TokenBlocks(vectors, kMapThreads), kMapThreads, 0, ToCuda(stream)>>>(args);
  });
  CheckLaunch("PlacePhases");
}

}  // namespace t3::kernels
