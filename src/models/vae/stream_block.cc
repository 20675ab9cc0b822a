// The streaming residual block.
#include "models/vae/stream_block.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>

#include <cmath>
#include <utility>

#include "ops/feature_map/add_map.h"
#include "ops/profiler.h"

namespace t3 {

at::Tensor NormGamma(const TensorMap& tensors, const std::string& name) {
  const at::Tensor gamma = GetTensor(tensors, name + ".gamma").detach().to(at::kFloat).flatten();
  return gamma.mul(std::sqrt(static_cast<double>(gamma.numel()))).contiguous();
}

StreamBlock::StreamBlock(const TensorMap& tensors, const std::string& prefix)
    : norm1_{.bias = {}, .gamma = NormGamma(tensors, prefix + ".residual.0"), .silu = true},
      conv1_(tensors, prefix + ".residual.2"),
      norm2_{
          .bias = conv1_.bias(), .gamma = NormGamma(tensors, prefix + ".residual.3"), .silu = true},
      conv2_(tensors, prefix + ".residual.6") {
  if (tensors.contains(prefix + ".shortcut.weight")) {
    shortcut_weight_ = GetTensor(tensors, prefix + ".shortcut.weight").detach().flatten(1).t();
    shortcut_bias_ = GetTensor(tensors, prefix + ".shortcut.bias").detach();
  }
}

MapRows StreamBlock::operator()(MapRows x, const RowRange& rows, State& state,
                                const PollFn& poll) const {
  const RowRange between = rows.Grown(1, x.height);
  if (conv1_.SupportsFusion(x, between) && conv2_.SupportsFusion(x, rows)) {
    return RunFused(x, rows, state, poll);
  }
  MapRows h = conv1_(x, norm1_, between, state.conv1, poll);
  const MapRows y = conv2_(std::move(h), norm2_, rows, state.conv2, poll);
  const at::Tensor shortcut = Shortcut(x.Part(rows).map);
  const ProfileScope scope("sum with the shortcut");
  AddMap(y.map, conv2_.bias(), shortcut);
  return y;
}

MapRows StreamBlock::RunFused(const MapRows& x, const RowRange& rows, State& state,
                              const PollFn& poll) const {
  const RowRange between = rows.Grown(1, x.height);
  const at::Tensor frames2 = conv2_.NewFrames(x, rows);
  {
    const at::Tensor frames1 = conv1_.NewFrames(x, between);
    conv1_.FillFrames(x, norm1_, between, frames1);
    if (poll) poll();
    conv1_.ConvolveNormSilu(frames1, norm2_, rows.begin - 1 - between.begin, frames2, state.conv1);
  }
  const at::Tensor shortcut = Shortcut(x.Part(rows).map);
  if (poll) poll();
  return {conv2_.ConvolveAdd(frames2, shortcut, state.conv2), rows, x.height};
}

at::Tensor StreamBlock::Shortcut(const at::Tensor& x) const {
  if (!shortcut_weight_.defined()) return x;
  const ProfileScope scope("shortcut by a convolution");
  const int64_t out = shortcut_weight_.size(1);
  at::Tensor y = at::empty({x.size(0), x.size(1), x.size(2), out}, x.options());
  for (int64_t t = 0; t < x.size(0); ++t) {  // frames of x may be apart in memory
    at::Tensor rows = y[t].view({-1, out});
    at::addmm_out(rows, shortcut_bias_, x[t].view({-1, x.size(3)}), shortcut_weight_);
  }
  return y;
}

}  // namespace t3
