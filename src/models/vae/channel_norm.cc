// Channel norm: one op where gradients are wanted, else over ATen, slab by slab.
#include "models/vae/channel_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/silu.h>

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
  const double root = std::sqrt(static_cast<double>(x.size(1)));
  if (NeedsGradient({x, gamma_})) {
    const at::Tensor gamma = gamma_.to(work).flatten() * root;
    return NormSiluWithGradient(x.movedim(1, -1), gamma, silu).movedim(-1, 1);
  }
  const at::Tensor scale = gamma_.to(work).reshape({-1, 1, 1, 1}) * root;
  const auto slab = [&](int64_t begin, int64_t end) {
    const at::Tensor in = x.narrow(3, begin, end - begin).to(work);
    const at::Tensor length = at::linalg_vector_norm(in, 2, at::IntArrayRef{1}, true);
    const at::Tensor y = in / length.clamp_min(1e-12) * scale;
    return (silu ? at::silu(y) : y).to(x.scalar_type());
  };
  const int64_t row_elements = x.numel() / std::max<int64_t>(x.size(3), 1);
  return AssembleRows(x.size(3), SlabRows(x.size(3), row_elements, slab_elements_), slab);
}

}  // namespace t3
