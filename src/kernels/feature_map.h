// Elementwise work on the VAE's feature maps on the GPU (ops/feature_map.h defines it). Maps are
// (frames, rows, columns, channels); a frame is contiguous, frames may lie apart.
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

struct NormSiluArgs {
  DType type;
  const void* x;
  int64_t x_frame_stride;
  int64_t x_rows;
  void* out;  // (frames, out_rows, columns, channels), contiguous
  int64_t frames;
  int64_t out_rows;
  int64_t first_row;  // row r of `out` is row r + first_row of x, or zero where x has no such row
  int64_t columns;
  int64_t channels;
  const float* bias;   // (channels), added first; nullptr: none
  const float* gamma;  // (channels), sqrt(channels) included; nullptr: no norm and no SiLU
  bool silu;
};
constexpr int64_t kNormSiluMaxVectors = 256;  // 16-byte vectors of a position's channels
void NormSilu(const NormSiluArgs& args, Stream stream);

struct AddMapArgs {
  DType type;
  void* y;  // (frames, frame_positions, channels), contiguous, overwritten: y + bias + x
  const void* x;
  int64_t x_frame_stride;
  int64_t frames;
  int64_t frame_positions;  // rows * columns
  int64_t channels;
  const float* bias;  // (channels)
};
void AddMap(const AddMapArgs& args, Stream stream);

struct PlacePhasesArgs {
  DType type;
  const void* phases;  // (frames, phase_rows, columns + 1, 4, channels), contiguous
  int64_t phase_rows;
  void* out;  // (frames, out_rows, 2 * columns, channels), contiguous
  int64_t frames;
  int64_t out_rows;
  int64_t first_row;  // of `out` on the doubled grid, counted from the phases' first row
  int64_t columns;
  int64_t channels;
  const float* bias;   // (channels)
  const void* source;  // the shortcut's map, or nullptr
  int64_t source_frame_stride;
  int64_t source_first_row;  // row of `source` that is the phases' first row
  int64_t source_channels;
  int64_t time_factor;
  int64_t dropped;  // frames of the duplicated source that come before out's first
  int64_t repeats;
};
void PlacePhases(const PlacePhasesArgs& args, Stream stream);

}  // namespace t3::kernels
