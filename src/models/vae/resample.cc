// Resampling in space (2-D convolutions over frames, in slabs of rows) and in time.
#include "models/vae/resample.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/upsample_nearest2d.h>

#include <algorithm>

#include "nn/row_slabs.h"

namespace t3 {
namespace {

std::optional<CausalConv3d> TimeConv(const TensorMap& tensors, const VaeLevel& level,
                                     const VaeLimits& limits) {
  if (level.time_factor == 1) return std::nullopt;
  const int64_t stride = level.half == VaeHalf::kEncoder ? level.time_factor : 1;
  return CausalConv3d(tensors, level.ResamplerName() + ".time_conv", limits.slab_elements, stride);
}

// (B,C,T,H,W) -> (B*T,C,H,W), a view for one video or channels-last memory.
at::Tensor FramesAsBatch(const at::Tensor& x) { return x.transpose(1, 2).flatten(0, 1); }

// The inverse, with the batch of `like`.
at::Tensor BatchAsFrames(const at::Tensor& x, const at::Tensor& like) {
  return x.unflatten(0, {like.size(0), -1}).transpose(1, 2);
}

// a0 b0 a1 b1 ... along time.
at::Tensor Interleave(const at::Tensor& a, const at::Tensor& b) {
  std::vector<int64_t> sizes = a.sizes().vec();
  sizes[2] *= 2;
  const at::Tensor out = at::empty(sizes, a.options().memory_format(a.suggest_memory_format()));
  out.slice(2, 0, std::nullopt, 2).copy_(a);
  out.slice(2, 1, std::nullopt, 2).copy_(b);
  return out;
}

}  // namespace

Upsample::Upsample(const TensorMap& tensors, const VaeLevel& level, const VaeLimits& limits)
    : weight_(GetTensor(tensors, level.ResamplerName() + ".resample.1.weight")),
      bias_(GetTensor(tensors, level.ResamplerName() + ".resample.1.bias")),
      time_conv_(TimeConv(tensors, level, limits)),
      slab_elements_(limits.slab_elements) {}

at::Tensor Upsample::operator()(const at::Tensor& x, ResampleState& state) const {
  return DoubleSpace(time_conv_ ? DoubleTime(x, state) : x);
}

at::Tensor Upsample::DoubleTime(const at::Tensor& x, ResampleState& state) const {
  const int64_t passing = state.started ? 0 : 1;
  state.started = true;
  if (x.size(2) == passing) return x;
  const at::Tensor later = x.narrow(2, passing, x.size(2) - passing);
  const at::Tensor both = (*time_conv_)(later, state.time);
  const int64_t channels = both.size(1) / 2;
  const at::Tensor doubled =
      Interleave(both.narrow(1, 0, channels), both.narrow(1, channels, channels));
  return passing ? at::cat({x.narrow(2, 0, 1), doubled}, 2) : doubled;
}

at::Tensor Upsample::DoubleSpace(const at::Tensor& x) const {
  const at::Tensor images = FramesAsBatch(x);
  const int64_t rows = images.size(2), columns = images.size(3);
  const int64_t row_elements =
      2 * columns * images.size(0) * std::max(weight_.size(0), weight_.size(1));
  // Slabs are counted in source rows, two output rows each; one source row of halo is enough.
  const auto slab = [&](int64_t begin, int64_t end) {
    const int64_t top = std::max<int64_t>(begin / 2 - 1, 0);
    const int64_t bottom = std::min(end / 2 + 1, rows);
    const at::Tensor large = at::upsample_nearest2d(
        images.narrow(2, top, bottom - top), at::IntArrayRef{2 * (bottom - top), 2 * columns});
    const at::Tensor y = at::conv2d(large, weight_, bias_, at::IntArrayRef{1}, at::IntArrayRef{1});
    return y.narrow(2, begin - 2 * top, end - begin);
  };
  const int64_t slab_rows = 2 * SlabRows(rows, 2 * row_elements, slab_elements_);
  return BatchAsFrames(AssembleRows(2 * rows, slab_rows, slab), x);
}

Downsample::Downsample(const TensorMap& tensors, const VaeLevel& level, const VaeLimits& limits)
    : weight_(GetTensor(tensors, level.ResamplerName() + ".resample.1.weight")),
      bias_(GetTensor(tensors, level.ResamplerName() + ".resample.1.bias")),
      time_conv_(TimeConv(tensors, level, limits)),
      slab_elements_(limits.slab_elements) {}

at::Tensor Downsample::operator()(const at::Tensor& x, ResampleState& state) const {
  const at::Tensor half = HalveSpace(x);
  return time_conv_ ? HalveTime(half, state) : half;
}

at::Tensor Downsample::HalveSpace(const at::Tensor& x) const {
  const at::Tensor images = FramesAsBatch(x);
  const int64_t rows = images.size(2);
  const int64_t row_elements = images.numel() / rows;
  const auto slab = [&](int64_t begin, int64_t end) {
    const int64_t bottom = std::min(2 * end + 1, rows);
    const at::Tensor padded = at::constant_pad_nd(images.narrow(2, 2 * begin, bottom - 2 * begin),
                                                  at::IntArrayRef{0, 1, 0, 2 * end + 1 - bottom});
    return at::conv2d(padded, weight_, bias_, at::IntArrayRef{2});
  };
  const int64_t slab_rows = SlabRows(rows / 2, 2 * row_elements, slab_elements_);
  return BatchAsFrames(AssembleRows(rows / 2, slab_rows, slab), x);
}

at::Tensor Downsample::HalveTime(const at::Tensor& x, ResampleState& state) const {
  if (state.started) return (*time_conv_)(x, state.time);
  state.started = true;
  const at::Tensor first = x.narrow(2, 0, 1);
  state.time.frames = first.clone();
  if (x.size(2) == 1) return x;
  return at::cat({first, (*time_conv_)(x.narrow(2, 1, x.size(2) - 1), state.time)}, 2);
}

}  // namespace t3
