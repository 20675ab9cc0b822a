// Streaming convolution on channels-last memory.
#include "models/vae/stream_conv.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "ops/conv/convolution.h"
#include "ops/profiler.h"
#include "plan/decode_plan.h"

namespace t3 {
namespace {

// Multiply-accumulates between two polls on a CPU: a fraction of a second on two cores.
constexpr double kCpuMacsAtATime = 2e10;

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
           "{}.weight is no convolution over three frames", prefix);
  name_ = fmt::format("convolution {} to {}, {}x{}x{}", weight_.size(1), weight_.size(0),
                      weight_.size(2), weight_.size(3), weight_.size(4));
  const int64_t missing = padded_out - weight_.size(0);
  if (missing > 0) {
    weight_ = at::constant_pad_nd(weight_, at::IntArrayRef{0, 0, 0, 0, 0, 0, 0, 0, 0, missing});
    bias_ = at::constant_pad_nd(bias_, at::IntArrayRef{0, missing});
  }
  if (weight_.is_cuda()) weight_ = weight_.contiguous(at::MemoryFormat::ChannelsLast3d);
}

MapRows StreamConv::operator()(MapRows x, const NormSiluOptions& apply, const RowRange& made,
                               State& state, const PollFn& poll) const {
  const int64_t frames = x.map.size(0), height = x.height;
  Prepare(x, made, state);
  const at::Tensor input =
      at::empty(ConvInputShape(frames, made.size(), x.map.size(2), x.map.size(3), halo(), kept()),
                x.map.options());
  {
    const ProfileScope scope("frames kept for the next pass");
    input.narrow(0, 0, kept()).copy_(state.cache);
  }
  Fill(x, apply, made, input.narrow(0, kept(), frames));
  x.map.reset();
  {
    const ProfileScope scope("frames kept for the next pass");
    state.cache.copy_(input.narrow(0, frames, kept()));
  }
  return {Convolve(input, poll), made, height};
}

void StreamConv::Prepare(const MapRows& x, const RowRange& made, State& state) const {
  if (state.cache.defined()) return;
  state.cache = at::zeros(
      ConvCacheShape(made.size(), x.map.size(2), weight_.size(1), halo(), kept()), x.map.options());
}

void StreamConv::Fill(const MapRows& x, const NormSiluOptions& apply, const RowRange& made,
                      const at::Tensor& frames) const {
  const RowRange needed = made.Grown(halo(), x.height);
  T3_CHECK(x.rows.Contains(needed), "a convolution of rows [{}, {}) got rows [{}, {})", made.begin,
           made.end, x.rows.begin, x.rows.end);
  const ProfileScope scope("norm and SiLU");
  // Rows beyond what x holds are beyond the frame's edge, and zero.
  NormSilu(x.map, apply, made.begin - halo() - x.rows.begin, frames);
}

bool StreamConv::HasKernel(const MapRows& x, const RowRange& made) const {
  return IsCausalConvProfitable(weight_, x.map.size(0), made.size(), x.map.size(2));
}

CausalMaps StreamConv::EmptyMaps(const MapRows& x, const RowRange& made, State& state) const {
  Prepare(x, made, state);
  return {state.cache, at::empty(ConvInputShape(x.map.size(0), made.size(), x.map.size(2),
                                                weight_.size(1), 1, 0),
                                 x.map.options())};
}

void StreamConv::Keep(const CausalMaps& maps) {
  const ProfileScope scope("frames kept for the next pass");
  const int64_t frames = maps.frames.size(0);
  if (frames == 1) {
    maps.cache[0].copy_(maps.cache[1]);
    maps.cache[1].copy_(maps.frames[0]);
  } else {
    maps.cache.copy_(maps.frames.narrow(0, frames - 2, 2));
  }
}

at::Tensor StreamConv::Convolve(const at::Tensor& input, const PollFn& poll) const {
  if (poll) poll();
  const ProfileScope scope(name_);
  const int64_t rows = input.size(1) - 2 * halo();
  const int64_t frames = (input.size(0) - kept()) / time_stride_;
  const double row_macs =
      static_cast<double>(weight_.numel()) * static_cast<double>(frames * input.size(2));
  const int64_t step = std::max<int64_t>(static_cast<int64_t>(kCpuMacsAtATime / row_macs), 1);
  if (input.is_cuda() || step >= rows) return ConvolveMap(input, weight_, time_stride_);
  const at::Tensor out = at::empty({frames, rows, input.size(2), weight_.size(0)}, input.options());
  for (int64_t row = 0; row < rows; row += step) {
    const int64_t count = std::min(step, rows - row);
    out.narrow(1, row, count)
        .copy_(ConvolveMap(input.narrow(1, row, count + 2 * halo()), weight_, time_stride_));
    if (poll) poll();
  }
  return out;
}

}  // namespace t3
