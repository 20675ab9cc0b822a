// Shapes of the streaming VAE's layers.
#include "plan/stream_shapes.h"

namespace t3 {

BlockShapes MakeBlockShapes(const MapExtents& map, const RowRange& input, const RowRange& output,
                            int64_t in, int64_t out) {
  BlockShapes block;
  block.input = {map.frames, input.size(), map.columns, in};
  block.between = output.Grown(1, map.height);
  block.conv1 = {.frames = map.frames,
                 .rows = block.between.size(),
                 .columns = map.columns,
                 .in = in,
                 .out = out};
  block.conv2 = {
      .frames = map.frames, .rows = output.size(), .columns = map.columns, .in = out, .out = out};
  return block;
}

ConvShapes UpsampleShapes::TimeConv() const {
  return {.frames = frames,
          .rows = rows,
          .columns = columns,
          .in = channels,
          .out = 2 * channels,
          .halo = 0};
}

ConvShapes DownsampleShapes::TimeConv() const {
  return {.frames = frames,
          .rows = output_rows,
          .columns = columns / 2,
          .in = channels,
          .out = channels,
          .halo = 0,
          .time_stride = 2};
}

}  // namespace t3
