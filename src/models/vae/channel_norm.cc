// Channel norm: one differentiable op, or the formula slab by slab without gradients.
#include "models/vae/channel_norm.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>

#include "nn/row_slabs.h"
#include "ops/dispatch.h"
#include "ops/feature_map/norm_silu.h"

namespace t3 {

ChannelNorm::ChannelNorm(const TensorMap& tensors, const std::string& prefix,
                         const VaeLimits& limits)
    : gamma_(GetTensor(tensors, prefix + ".gamma")),
      // About four fp32 temporaries of a slab are alive at once.
      slab_elements_(limits.slab_elements / 8) {}

at::Tensor ChannelNorm::operator()(const at::Tensor& x) const { return Apply(x, false); }

at::Tensor ChannelNorm::Silu(const at::Tensor& x) const { return Apply(x, true); }

at::Tensor ChannelNorm::Apply(const at::Tensor& x, bool silu) const {
  const bool half = x.scalar_type() == at::kBFloat16 || x.scalar_type() == at::kHalf;
  const at::ScalarType work = half ? at::kFloat : x.scalar_type();
  const at::Tensor gamma =
      gamma_.to(work).flatten() * std::sqrt(static_cast<double>(x.size(1)));  // (C)
  if (NeedsGradient({x, gamma_})) {
    return NormSiluWithGradient(x.movedim(1, -1), gamma, silu).movedim(-1, 1);
  }
  const auto slab = [&](int64_t begin, int64_t end) {
    const at::Tensor in = x.narrow(3, begin, end - begin).to(work);
    return NormSiluFormula(in.movedim(1, -1), gamma, silu).movedim(-1, 1).to(x.scalar_type());
  };
  const int64_t row_elements = x.numel() / std::max<int64_t>(x.size(3), 1);
  return AssembleRows(x.size(3), SlabRows(x.size(3), row_elements, slab_elements_), slab);
}

}  // namespace t3
