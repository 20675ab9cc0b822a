// Interleaves the four phases of an upsampled map on the GPU (reference:
// ops/feature_map/place_phases.cc).
#pragma once

#include "kernels/types.h"

namespace t3::kernels {

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
  int64_t dropped;  // frames of the duplicated source that precede out's first
  int64_t repeats;
};
void LaunchPlacePhases(const PlacePhasesArgs& args, Stream stream);

}  // namespace t3::kernels
