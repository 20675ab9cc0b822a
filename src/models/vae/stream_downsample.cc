// Streaming downsampling: a strided convolution in space, then one in time.
#include "models/vae/stream_downsample.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <utility>

namespace t3 {

StreamDownsample::StreamDownsample(const TensorMap& tensors, const VaeLevel& level)
    : weight_(GetTensor(tensors, level.ResamplerName() + ".resample.1.weight").detach()),
      bias_(GetTensor(tensors, level.ResamplerName() + ".resample.1.bias").detach()) {
  if (weight_.is_cuda()) weight_ = weight_.contiguous(at::MemoryFormat::ChannelsLast);
  if (level.time_factor > 1) {
    time_conv_.emplace(tensors, level.ResamplerName() + ".time_conv", 0, level.time_factor);
  }
}

MapRows StreamDownsample::operator()(MapRows x, const RowRange& rows, State& state,
                                     const PollFn& poll) const {
  if (poll) poll();
  const RowRange read{2 * rows.begin, std::min(2 * rows.end + 1, x.height)};
  const int64_t height = x.height / 2, columns = x.map.size(2);
  const DownsampleShapes shapes{.frames = x.map.size(0),
                                .columns = columns,
                                .channels = x.map.size(3),
                                .output_rows = rows.size(),
                                .halves_time = time_conv_.has_value()};
  // Zeros to the right, and below the frame's last row.
  const at::Tensor padded = at::zeros(shapes.Padded(), x.map.options());
  padded.narrow(1, 0, read.size()).narrow(2, 0, columns).copy_(x.Part(read).map);
  x.map.reset();
  MapRows half{at::conv2d(padded.permute({0, 3, 1, 2}), weight_, bias_, at::IntArrayRef{2})
                   .permute({0, 2, 3, 1})
                   .contiguous(),
               rows, height};
  const bool first = !state.started;
  state.started = true;
  if (!time_conv_) return half;
  if (first) {
    T3_CHECK(half.map.size(0) == 1, "a video's first pass has {} frames, wanted 1",
             half.map.size(0));
    state.time.Start(half.map.clone());
    return half;
  }
  MapRows out = (*time_conv_)(std::move(half), {.bias = {}, .gamma = {}, .silu = false}, rows,
                              state.time, poll);
  out.map.add_(time_conv_->bias().to(out.map.scalar_type()));
  return out;
}

}  // namespace t3
