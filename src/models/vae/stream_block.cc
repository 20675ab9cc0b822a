// The streaming residual block.
#include "models/vae/stream_block.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>

#include <cmath>
#include <utility>

#include "ops/conv/causal_conv.h"
#include "ops/feature_map/add_map.h"
#include "ops/profiler.h"

namespace t3 {

at::Tensor NormGamma(const TensorMap& tensors, const std::string& name) {
  const at::Tensor gamma = GetTensor(tensors, name + ".gamma").detach().to(at::kFloat).flatten();
  return gamma.mul(std::sqrt(static_cast<double>(gamma.numel()))).contiguous();
}

StreamBlock::StreamBlock(const TensorMap& tensors, const std::string& prefix)
    : gamma1_(NormGamma(tensors, prefix + ".residual.0")),
      conv1_(tensors, prefix + ".residual.2"),
      gamma2_(NormGamma(tensors, prefix + ".residual.3")),
      conv2_(tensors, prefix + ".residual.6") {
  if (tensors.contains(prefix + ".shortcut.weight")) {
    shortcut_weight_ = GetTensor(tensors, prefix + ".shortcut.weight").detach().flatten(1).t();
    shortcut_bias_ = GetTensor(tensors, prefix + ".shortcut.bias").detach();
  }
}

MapRows StreamBlock::operator()(MapRows x, const RowRange& made, State& state,
                                const PollFn& poll) const {
  const RowRange between = made.Grown(1, x.height);
  if (conv1_.HasKernel(x, between) && conv2_.HasKernel(x, made)) {
    return ByKernels(x, made, state, poll);
  }
  MapRows h = conv1_(x, {.bias = {}, .gamma = gamma1_, .silu = true}, between, state.conv1, poll);
  const MapRows y = conv2_(std::move(h), {.bias = conv1_.bias(), .gamma = gamma2_, .silu = true},
                           made, state.conv2, poll);
  const at::Tensor shortcut = Shortcut(x.Part(made).map);
  const ProfileScope scope("sum with the shortcut");
  AddMap(y.map, conv2_.bias(), shortcut);
  return y;
}

MapRows StreamBlock::ByKernels(const MapRows& x, const RowRange& made, State& state,
                               const PollFn& poll) const {
  const RowRange between = made.Grown(1, x.height);
  const CausalMaps second = conv2_.EmptyMaps(x, made, state.conv2);
  {
    const CausalMaps first = conv1_.EmptyMaps(x, between, state.conv1);
    conv1_.Fill(x, {.bias = {}, .gamma = gamma1_, .silu = true}, between, first.frames);
    if (poll) poll();
    {
      const ProfileScope scope(conv1_.name());
      CausalConvNormSilu(first, conv1_.weight(),
                                {.bias = conv1_.bias(), .gamma = gamma2_, .silu = true},
                                made.begin - 1 - between.begin, second.frames);
    }
    StreamConv::Keep(first);
  }
  const at::Tensor shortcut = Shortcut(x.Part(made).map);
  if (poll) poll();
  at::Tensor y;
  {
    const ProfileScope scope(conv2_.name());
    y = CausalConvAdd(second, conv2_.weight(), conv2_.bias(), shortcut);
  }
  StreamConv::Keep(second);
  return {y, made, x.height};
}

at::Tensor StreamBlock::Shortcut(const at::Tensor& x) const {
  if (!shortcut_weight_.defined()) return x;
  const ProfileScope scope("shortcut by a convolution");
  const int64_t out = shortcut_weight_.size(1);
  at::Tensor y = at::empty({x.size(0), x.size(1), x.size(2), out}, x.options());
  for (int64_t t = 0; t < x.size(0); ++t) {  // frames of x may lie apart
    at::Tensor rows = y[t].view({-1, out});
    at::addmm_out(rows, shortcut_bias_, x[t].view({-1, x.size(3)}), shortcut_weight_);
  }
  return y;
}

}  // namespace t3
