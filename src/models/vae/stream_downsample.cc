// Streaming downsampling: a strided convolution in space, then one in time.
#include "models/vae/stream_downsample.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>

#include <algorithm>
#include <utility>

namespace t3 {

StreamDownsample::StreamDownsample(const TensorMap& tensors, const std::string& prefix)
    : weight_(GetTensor(tensors, prefix + ".resample.1.weight").detach()),
      bias_(GetTensor(tensors, prefix + ".resample.1.bias").detach()) {
  if (weight_.is_cuda()) weight_ = weight_.contiguous(at::MemoryFormat::ChannelsLast);
  if (tensors.contains(prefix + ".time_conv.weight")) {
    time_conv_.emplace(tensors, prefix + ".time_conv", 0, 2);
  }
}

MapRows StreamDownsample::operator()(MapRows x, const RowRange& made, State& state,
                                     const PollFn& poll) const {
  if (poll) poll();
  const RowRange read{2 * made.begin, std::min(2 * made.end + 1, x.height)};
  const int64_t height = x.height / 2;
  // Zeros right, and below the frame's last row.
  const at::Tensor padded = at::constant_pad_nd(
      x.Part(read).map, at::IntArrayRef{0, 0, 0, 1, 0, 2 * made.end + 1 - read.end});
  x.map.reset();
  MapRows half{at::conv2d(padded.permute({0, 3, 1, 2}), weight_, bias_, at::IntArrayRef{2})
                   .permute({0, 2, 3, 1})
                   .contiguous(),
               made, height};
  const bool first = !state.started;
  state.started = true;
  if (!time_conv_) return half;
  if (first) {
    T3_CHECK(half.map.size(0) == 1, "a video's first pass has {} frames, wanted 1",
             half.map.size(0));
    state.time.cache = half.map.clone();
    return half;
  }
  MapRows out = (*time_conv_)(std::move(half), {.bias = {}, .gamma = {}, .silu = false}, made,
                              state.time, poll);
  out.map.add_(time_conv_->bias().to(out.map.scalar_type()));
  return out;
}

}  // namespace t3
