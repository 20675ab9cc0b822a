// The autograd function around the kernels of RMSNorm and RoPE.
#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels/rms_rope_backward.h"
#include "ops/attention/rms_rope_impl.h"
#include "ops/dispatch.h"

namespace t3 {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct RmsRopeFunction : torch::autograd::Function<RmsRopeFunction> {
  // The tables are empty if nothing is rotated.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& t, const at::Tensor& h, const at::Tensor& w,
                            double eps, int64_t heads) {
    const at::Tensor in = x.contiguous();
    context->save_for_backward({in, weight, t, h, w});
    context->saved_data["eps"] = eps;
    context->saved_data["heads"] = heads;
    const RopeTables rope{t, h, w};
    return RmsNormRopeCuda(in, weight, eps, heads, t.numel() > 0 ? &rope : nullptr);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const RopeTables rope{saved[2], saved[3], saved[4]};
    const at::Tensor dy = gradients[0].contiguous(), dx = at::empty_like(x);
    const int64_t blocks = GradientBlocks(x.size(0));
    const at::Tensor sums = at::empty({blocks, x.size(1)}, x.options().dtype(at::kFloat));
    const kernels::RmsRopeBackwardArgs args{
        .type = DTypeOf(x),
        .x = x.const_data_ptr(),
        .dy = dy.const_data_ptr(),
        .dx = dx.mutable_data_ptr(),
        .tokens = x.size(0),
        .channels = x.size(1),
        .head_dim = static_cast<int>(x.size(1) / context->saved_data["heads"].toInt()),
        .weight = weight.const_data_ptr<float>(),
        .weight_sums = sums.mutable_data_ptr<float>(),
        .blocks = blocks,
        .rope = RopeArgsOf(rope.t.numel() > 0 ? &rope : nullptr),
        .eps = static_cast<float>(context->saved_data["eps"].toDouble())};
    const c10::DeviceGuard guard(x.device());
    kernels::LaunchRmsRopeBackward(args, CurrentStream(x));
    return {dx, sums.sum(0), {}, {}, {}, {}, {}};
  }
};

}  // namespace

bool SupportsRmsRopeAutograd(const at::Tensor& x) {
  return x.size(0) > 0 &&
         x.size(1) / kernels::VectorElements(DTypeOf(x)) <= kernels::kRmsRopeBackwardMaxVectors;
}

at::Tensor RmsNormRopeAutograd(const at::Tensor& x, const at::Tensor& weight, double eps,
                               int64_t heads, const RopeTables* rope) {
  const at::Tensor none = at::empty({0}, weight.options().requires_grad(false));
  const RopeTables tables = rope ? *rope : RopeTables{none, none, none};
  return RmsRopeFunction::apply(x, weight, tables.t, tables.h, tables.w, eps, heads);
}

}  // namespace t3
