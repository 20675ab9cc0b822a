// Shapes of the streaming VAE's layers.
#include "plan/stream_shapes.h"

#include <algorithm>

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

int64_t BlockShapes::WorkingElements() const {
  const int64_t input1 = Elements(conv1.Input()), output1 = Elements(conv1.Output());
  const int64_t input2 = Elements(conv2.Input()), output2 = Elements(conv2.Output());
  const int64_t shortcut = convolves_shortcut() ? output2 : 0;
  // Custom kernels apply the norm while they write the second convolution's input.
  const int64_t custom = Elements(conv1.NewFrames()) + Elements(conv2.NewFrames());
  return std::max({input1 + output1, output1 + input2, input2 + output2 + shortcut, custom});
}

MiddleShapes MakeMiddleShapes(const MapExtents& map, int64_t channels) {
  const RowRange all{0, map.height};
  return {MakeBlockShapes(map, all, all, channels, channels)};
}

int64_t MiddleShapes::WorkingElements() const {
  const int64_t input = Elements(block.input);
  // The input, the normed one, q|k|v, the attended values of each frame and of all, the projection.
  const int64_t attention = (1 + 1 + 3 + 2 + 1) * input;
  return std::max(input + block.WorkingElements(), attention);
}

int64_t UpsampleShapes::WorkingElements() const {
  const int64_t input = frames * rows * columns * channels;
  const int64_t space = Elements(Output()) + Elements(Phases());
  if (!doubles_time) return input + space;
  const ConvShapes time = TimeConv();
  const int64_t both = Elements(time.Output()), doubled = Elements(Doubled());
  return std::max({input + Elements(time.Input()) + both, input + both + doubled, doubled + space});
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
