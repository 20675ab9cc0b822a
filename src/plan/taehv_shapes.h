// Shapes of the feature maps that the layers of a streaming TAEHV (models/taehv) allocate, as in
// plan/stream_shapes.h.
#pragma once

#include <cstdint>

#include "arch/taehv.h"
#include "config/geometry.h"
#include "plan/row_range.h"
#include "plan/stream_shapes.h"

namespace t3 {

// A layer that doubles rows and columns, for rows of one output frame.
struct TaehvUpShapes {
  TaehvBlocks blocks = TaehvBlocks::kPlain;
  RowRange source;  // rows of the small map that it reads
  RowRange output;  // rows of the doubled map
  int64_t columns = 0;
  int64_t out = 0;  // channels of the doubled map

  // What the convolution gives: the four phases of the doubled map
  // (ops/feature_map/place_phases.h), or four pixels for each.
  MapShape Wide() const;
  MapShape Output() const { return {1, output.size(), 2 * columns, out}; }
  // Everything but the input and the output.
  int64_t WorkingElements() const;
};

// A stage in a pass of `frames` frames.
struct TaehvStageShapes {
  TaehvStage arch;
  TaehvBlocks blocks = TaehvBlocks::kPlain;
  int64_t frames = 0;  // of the blocks
  int64_t rows = 0;
  int64_t columns = 0;

  MapShape Output() const { return {frames, rows, columns, arch.channels}; }  // of a block
  // Of a block: the frame before the pass, then the new ones.
  MapShape Input() const { return {1 + frames, rows, columns, arch.channels}; }
  MapShape Cache() const {
    return {1, rows, columns, arch.channels};
  }  // the next pass's first frame
  // What a block allocates beside its input and the next one's, at its widest.
  int64_t BlockElements() const;
  TaehvUpShapes Up(const RowRange& output) const;
  int64_t frames_out() const { return arch.time_factor * frames; }
};
std::array<TaehvStageShapes, kTaehvStages> TaehvStagesOf(const TaehvConfig& config,
                                                         const Grid& latent, int64_t latent_frames);

// The last convolution on rows of one frame, and what comes before it: these rows of the last
// stage's output, and zeros beyond the edge of the frame.
struct TaehvTailShapes {
  TaehvUpShapes up;
  RowRange output;     // of the frame, in rows of packed pixels
  int64_t pixels = 0;  // channels of packed pixels

  MapShape Input() const { return {1, output.size() + 2, 2 * up.columns, up.out}; }
  MapShape Output() const { return {1, output.size(), 2 * up.columns, PaddedChannels(pixels)}; }
  MapShape Packed() const { return {1, output.size(), 2 * up.columns, pixels}; }
};
TaehvTailShapes TaehvTailOf(const TaehvConfig& config, const TaehvStageShapes& last,
                            const RowRange& output);

}  // namespace t3
