// Shapes of the feature maps that the VAE's streaming layers (models/vae/stream_*) allocate. The
// layers allocate what these functions return and the planner sums it, so the two agree.
#pragma once

#include <array>
#include <cstdint>

#include "plan/row_range.h"

namespace t3 {

// (frames, rows, columns, channels), contiguous.
using MapShape = std::array<int64_t, 4>;
inline int64_t Elements(const MapShape& shape) { return shape[0] * shape[1] * shape[2] * shape[3]; }

// Elements that cuDNN's fast convolutions support in a tensor.
inline constexpr int64_t kMaxTensorElements = (int64_t{1} << 31) - 1;

// Output channels of the decoder's last convolution: kernels need whole 16-byte vectors.
inline int64_t PaddedChannels(int64_t channels) { return (channels + 7) / 8 * 8; }

// A causal convolution over three frames that computes `rows` rows of a pass of `frames` frames.
// Rows beyond the edge of the frame are stored zeros.
struct ConvShapes {
  int64_t frames = 1;
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t in = 0;  // channels
  int64_t out = 0;
  int64_t halo = 1;         // rows read above and below
  int64_t time_stride = 1;  // 2: halves the number of frames

  int64_t history() const { return 3 - time_stride; }  // frames in the causal cache
  // The causal cache, which is carried from pass to pass.
  MapShape Cache() const { return {history(), rows + 2 * halo, columns, in}; }
  // The new frames only: custom kernels read the cache where it is.
  MapShape NewFrames() const { return {frames, rows + 2 * halo, columns, in}; }
  // The cache's frames and the new ones in one tensor.
  MapShape Input() const { return {history() + frames, rows + 2 * halo, columns, in}; }
  MapShape Output() const { return {frames / time_stride, rows, columns, out}; }
  int64_t Macs() const { return 3 * (2 * halo + 1) * (2 * halo + 1) * in * Elements(Output()); }
};

// The largest extents of a map: all rows, the frames of the largest pass.
struct MapExtents {
  int64_t frames = 1;
  int64_t height = 0;
  int64_t columns = 0;
};

// A residual block that computes some rows of a map from others.
struct BlockShapes {
  MapShape input{};
  RowRange between;  // rows of the first convolution's output
  ConvShapes conv1;
  ConvShapes conv2;
  bool convolves_shortcut() const { return conv1.in != conv2.out; }
  int64_t WorkingElements() const;  // the widest moment, without the input
};
BlockShapes MakeBlockShapes(const MapExtents& map, const RowRange& input, const RowRange& output,
                            int64_t in, int64_t out);

// The middle block on whole frames: a residual block, attention inside each frame, a residual
// block.
struct MiddleShapes {
  BlockShapes block;  // both are alike

  int64_t Caches() const { return 4 * Elements(block.conv1.Cache()); }
  // The widest moment, its input included and the attention's scores not.
  int64_t WorkingElements() const;
};
MiddleShapes MakeMiddleShapes(const MapExtents& map, int64_t channels);

// Floats of (frames, rows, columns, channels) of packed pixels on their way in or out: as the
// network has them, in the order of the other side, and the caller's.
inline int64_t PixelBytes(const MapShape& packed) { return 3 * 4 * Elements(packed); }

// The decoder's upsampler: time first, then space, a frame at a time.
struct UpsampleShapes {
  int64_t frames = 1;  // of the input, as are rows, columns and channels
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t channels = 0;
  int64_t out = 0;          // channels of the output
  int64_t output_rows = 0;  // of the doubled map
  bool doubles_time = false;

  ConvShapes TimeConv() const;  // both frames that one becomes, as twice the channels
  MapShape Doubled() const { return {2 * frames, rows, columns, channels}; }  // interleaved
  int64_t frames_out() const { return doubles_time ? 2 * frames : frames; }
  // The four phases of one upsampled frame: the phases of a pass would be the decoder's largest
  // tensor.
  MapShape Phases() const { return {1, rows + 1, columns + 1, 4 * out}; }
  MapShape Output() const { return {frames_out(), output_rows, 2 * columns, out}; }
  int64_t WorkingElements() const;  // the widest moment, the input included
};

// The encoder's downsampler: space first, then time.
struct DownsampleShapes {
  int64_t frames = 1;  // of the input, as are columns and channels
  int64_t columns = 0;
  int64_t channels = 0;
  int64_t output_rows = 0;  // of the halved map
  bool halves_time = false;

  // One row below and one column to the right beyond those that are halved.
  MapShape Padded() const { return {frames, 2 * output_rows + 1, columns + 1, channels}; }
  MapShape Halved() const { return {frames, output_rows, columns / 2, channels}; }
  // Without the input: the padded copy, then the halved map before and after time.
  int64_t WorkingElements() const { return Elements(Padded()) + 2 * Elements(Halved()); }
  ConvShapes TimeConv() const;
};

}  // namespace t3
