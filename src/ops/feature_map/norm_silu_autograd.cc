// The autograd function around the kernels of norm + SiLU.
#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels/norm_silu_backward.h"
#include "ops/dispatch.h"
#include "ops/feature_map/norm_silu.h"
#include "ops/feature_map/norm_silu_impl.h"

namespace t3 {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// (...,C) as a map (1,1,positions,C).
at::Tensor AsMap(const at::Tensor& x) { return x.reshape({1, 1, -1, x.size(-1)}); }

struct NormSiluFunction : torch::autograd::Function<NormSiluFunction> {
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
    const int64_t channels = x.size(-1), positions = x.numel() / channels;
    const int64_t blocks = GradientBlocks(positions);
    const at::Tensor sums = at::empty({blocks, channels}, x.options().dtype(at::kFloat));
    const kernels::NormSiluBackwardArgs args{.type = DTypeOf(x),
                                             .x = x.const_data_ptr(),
                                             .dy = dy.const_data_ptr(),
                                             .dx = dx.mutable_data_ptr(),
                                             .positions = positions,
                                             .channels = channels,
                                             .gamma = saved[1].const_data_ptr<float>(),
                                             .gamma_sums = sums.mutable_data_ptr<float>(),
                                             .blocks = blocks,
                                             .silu = context->saved_data["silu"].toBool()};
    const c10::DeviceGuard guard(x.device());
    kernels::LaunchNormSiluBackward(args, CurrentStream(x));
    return {dx, sums.sum(0), at::Tensor()};
  }
};

}  // namespace

bool SupportsNormSiluAutograd(const at::Tensor& x, const at::Tensor& gamma) {
  if (!x.is_cuda() || gamma.scalar_type() != at::kFloat || x.numel() == 0) return false;
  if (x.scalar_type() != at::kFloat && x.scalar_type() != at::kBFloat16) return false;
  const int64_t vector = kernels::VectorElements(DTypeOf(x));
  return x.size(-1) % vector == 0 && x.size(-1) / vector <= kernels::kNormSiluBackwardMaxVectors;
}

at::Tensor NormSiluAutograd(const at::Tensor& x, const at::Tensor& gamma, bool silu) {
  return NormSiluFunction::apply(x, gamma, silu);
}

}  // namespace t3
