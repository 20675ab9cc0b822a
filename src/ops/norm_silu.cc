// Norm + SiLU: the plain definition under autograd, and a node of its own around the kernels.
#include "ops/norm_silu.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "base/check.h"
#include "kernels/norm_silu_backward.h"
#include "ops/dispatch.h"
#include "ops/feature_map.h"

namespace t3 {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// (...,C) as a map (1,1,positions,C).
at::Tensor AsMap(const at::Tensor& x) { return x.reshape({1, 1, -1, x.size(-1)}); }

struct NormSiluNode : public torch::autograd::Function<NormSiluNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& gamma,
                            bool silu) {
    const at::Tensor in = x.contiguous(), scale = gamma.contiguous();
    at::Tensor out = at::empty_like(in);
    NormSilu(AsMap(in), {.bias = {}, .gamma = scale, .silu = silu}, 0, AsMap(out));
    context->save_for_backward({in, scale});
    context->saved_data["silu"] = silu;
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor dy = gradients[0].contiguous();
    const at::Tensor dx = at::empty_like(x);
    // Enough blocks to fill any GPU several times over, few enough that their shares are small.
    constexpr int64_t kMaxBlocks = 2048, kPositionsABlock = 256;
    const int64_t channels = x.size(-1), positions = x.numel() / channels;
    const int64_t blocks =
        std::clamp<int64_t>((positions + kPositionsABlock - 1) / kPositionsABlock, 1, kMaxBlocks);
    const at::Tensor shares = at::empty({blocks, channels}, x.options().dtype(at::kFloat));
    const kernels::NormSiluBackwardArgs args{.type = DTypeOf(x),
                                             .x = x.const_data_ptr(),
                                             .dy = dy.const_data_ptr(),
                                             .dx = dx.mutable_data_ptr(),
                                             .positions = positions,
                                             .channels = channels,
                                             .gamma = saved[1].const_data_ptr<float>(),
                                             .gamma_shares = shares.mutable_data_ptr<float>(),
                                             .blocks = blocks,
                                             .silu = context->saved_data["silu"].toBool()};
    const c10::DeviceGuard guard(x.device());
    kernels::NormSiluBackward(args, CurrentStream(x));
    return {dx, shares.sum(0), at::Tensor()};
  }
};

bool NormKernelTakes(const at::Tensor& x, const at::Tensor& gamma) {
  if (!x.is_cuda() || gamma.scalar_type() != at::kFloat || x.numel() == 0) return false;
  if (x.scalar_type() != at::kFloat && x.scalar_type() != at::kBFloat16) return false;
  const int64_t vector = kernels::VectorElements(DTypeOf(x));
  return x.size(-1) % vector == 0 && x.size(-1) / vector <= kernels::kNormSiluBackwardMaxVectors;
}

}  // namespace

at::Tensor NormSiluFormula(const at::Tensor& x, const at::Tensor& gamma, bool silu) {
  const at::Tensor length = at::linalg_vector_norm(x, 2, at::IntArrayRef{-1}, true);
  const at::Tensor n = x / length.clamp_min(1e-12) * gamma;
  return silu ? at::silu(n) : n;
}

at::Tensor NormSiluWithGradient(const at::Tensor& x, const at::Tensor& gamma, bool silu) {
  T3_CHECK(gamma.dim() == 1 && x.dim() >= 1 && x.size(-1) == gamma.size(0),
           "NormSilu: x ({}) has not the {} channels of gamma", fmt::join(x.sizes(), ", "),
           gamma.numel());
  if (NormKernelTakes(x, gamma)) return NormSiluNode::apply(x, gamma, silu);
  return NormSiluFormula(x.to(ComputeType(x)), gamma, silu).to(x.scalar_type());
}

}  // namespace t3
