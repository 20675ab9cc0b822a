// Streaming convolution on channels-last memory.
#include "models/vae/stream_conv.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "ops/conv/convolution.h"
#include "ops/profiler.h"

namespace t3 {
namespace {

// Multiply-accumulates between two polls on a CPU: a fraction of a second on two cores.
constexpr int64_t kCpuMacsPerPoll = 20'000'000'000;

// A map (T+2,R+2p,W,C) -> (T,R,W,out); every second frame with a stride of 2 in time.
at::Tensor ConvolveMap(const at::Tensor& map, const at::Tensor& weight, int64_t time_stride) {
  return Convolution(map, weight,
                     {.time_stride = time_stride, .column_padding = weight.size(4) / 2});
}

}  // namespace

StreamConv::StreamConv(const TensorMap& tensors, const std::string& prefix, int64_t padded_out,
                       int64_t time_stride)
    : weight_(GetTensor(tensors, prefix + ".weight").detach()),
      bias_(GetTensor(tensors, prefix + ".bias").detach().to(at::kFloat)),
      time_stride_(time_stride) {
  T3_CHECK(weight_.dim() == 5 && weight_.size(2) == 3,
           "{}.weight is not a convolution over three frames", prefix);
  name_ = fmt::format("convolution {} to {}, {}x{}x{}", weight_.size(1), weight_.size(0),
                      weight_.size(2), weight_.size(3), weight_.size(4));
  const int64_t missing = padded_out - weight_.size(0);
  if (missing > 0) {
    weight_ = at::constant_pad_nd(weight_, at::IntArrayRef{0, 0, 0, 0, 0, 0, 0, 0, 0, missing});
    bias_ = at::constant_pad_nd(bias_, at::IntArrayRef{0, missing});
  }
  if (weight_.is_cuda()) weight_ = weight_.contiguous(at::MemoryFormat::ChannelsLast3d);
}

ConvShapes StreamConv::Shapes(const MapRows& x, const RowRange& rows) const {
  return {.frames = x.map.size(0),
          .rows = rows.size(),
          .columns = x.map.size(2),
          .in = weight_.size(1),
          .out = weight_.size(0),
          .halo = halo(),
          .time_stride = time_stride_};
}

MapRows StreamConv::operator()(MapRows x, const NormSiluOptions& apply, const RowRange& rows,
                               StreamCache& cache, const PollFn& poll) const {
  const ConvShapes shapes = Shapes(x, rows);
  const int64_t height = x.height;
  const at::Tensor& history = cache.Frames(shapes.Cache(), x.map.options());
  const at::Tensor input = at::empty(shapes.Input(), x.map.options());
  {
    const ProfileScope scope("causal cache");
    input.narrow(0, 0, shapes.history()).copy_(history);
  }
  FillFrames(x, apply, rows, input.narrow(0, shapes.history(), shapes.frames));
  x.map.reset();
  cache.Update(input);
  return {Convolve(input, shapes, poll), rows, height};
}

bool StreamConv::SupportsFusion(const MapRows& x, const RowRange& rows) const {
  return IsCausalConvProfitable(weight_, x.map.size(0), rows.size(), x.map.size(2));
}

at::Tensor StreamConv::NewFrames(const MapRows& x, const RowRange& rows) const {
  return at::empty(Shapes(x, rows).NewFrames(), x.map.options());
}

void StreamConv::FillFrames(const MapRows& x, const NormSiluOptions& apply, const RowRange& rows,
                            const at::Tensor& frames) const {
  const RowRange needed = rows.Grown(halo(), x.height);
  T3_CHECK(x.rows.Contains(needed), "a convolution of rows [{}, {}) got rows [{}, {})", rows.begin,
           rows.end, x.rows.begin, x.rows.end);
  const ProfileScope scope("norm and SiLU");
  // Rows that x does not hold are beyond the edge of the frame, and zero.
  NormSilu(x.map, apply, rows.begin - halo() - x.rows.begin, frames);
}

CausalMaps StreamConv::Maps(const at::Tensor& frames, StreamCache& cache) const {
  const MapShape shape{3 - time_stride_, frames.size(1), frames.size(2), frames.size(3)};
  return {cache.Frames(shape, frames.options()), frames};
}

void StreamConv::ConvolveNormSilu(const at::Tensor& frames, const NormSiluOptions& next,
                                  int64_t first_row, const at::Tensor& out,
                                  StreamCache& cache) const {
  {
    const ProfileScope scope(name_);
    CausalConvNormSilu(Maps(frames, cache), weight_, next, first_row, out);
  }
  cache.Update(frames);
}

at::Tensor StreamConv::ConvolveAdd(const at::Tensor& frames, const at::Tensor& residual,
                                   StreamCache& cache) const {
  at::Tensor y;
  {
    const ProfileScope scope(name_);
    y = CausalConvAdd(Maps(frames, cache), weight_, bias_, residual);
  }
  cache.Update(frames);
  return y;
}

at::Tensor StreamConv::Convolve(const at::Tensor& input, const ConvShapes& shapes,
                                const PollFn& poll) const {
  if (poll) poll();
  const ProfileScope scope(name_);
  const int64_t rows = shapes.rows;
  const int64_t step = std::max<int64_t>(kCpuMacsPerPoll / (shapes.Macs() / rows), 1);
  if (input.is_cuda() || step >= rows) return ConvolveMap(input, weight_, time_stride_);
  const at::Tensor out = at::empty(shapes.Output(), input.options());
  for (int64_t row = 0; row < rows; row += step) {
    const int64_t count = std::min(step, rows - row);
    out.narrow(1, row, count)
        .copy_(ConvolveMap(input.narrow(1, row, count + 2 * shapes.halo), weight_, time_stride_));
    if (poll) poll();
  }
  return out;
}

}  // namespace t3
