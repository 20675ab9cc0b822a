// The residual block.
#include "models/vae/residual_block.h"

namespace t3 {

ResidualBlock::ResidualBlock(const TensorMap& tensors, const std::string& prefix,
                             const VaeLimits& limits)
    : norm1_(tensors, prefix + ".residual.0", limits),
      conv1_(tensors, prefix + ".residual.2", limits.slab_elements),
      norm2_(tensors, prefix + ".residual.3", limits),
      conv2_(tensors, prefix + ".residual.6", limits.slab_elements) {
  if (tensors.contains(prefix + ".shortcut.weight")) {
    shortcut_.emplace(tensors, prefix + ".shortcut", limits.slab_elements);
  }
}

at::Tensor ResidualBlock::operator()(const at::Tensor& x, State& state) const {
  at::Tensor y = conv1_(norm1_.Silu(x), state.conv1);
  y = norm2_.Silu(y);
  y = conv2_(y, state.conv2);
  return y.add_(shortcut_ ? (*shortcut_)(x) : x);
}

}  // namespace t3
