// An autograd node around the kernels of kernels/rms_rope.h and kernels/rms_rope_backward.h.
#include "ops/rms_rope_node.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "kernels/rms_rope_backward.h"
#include "ops/dispatch.h"
#include "ops/rms_rope_kernel.h"

namespace t3 {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct RmsRopeNode : public torch::autograd::Function<RmsRopeNode> {
  // The tables are empty where nothing turns.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& t, const at::Tensor& h, const at::Tensor& w,
                            double eps, int64_t heads) {
    const at::Tensor in = x.contiguous();
    context->save_for_backward({in, weight, t, h, w});
    context->saved_data["eps"] = eps;
    context->saved_data["heads"] = heads;
    const RopeTables rope{t, h, w};
    return RmsNormRopeKernel(in, weight, eps, heads, t.numel() > 0 ? &rope : nullptr);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const RopeTables rope{saved[2], saved[3], saved[4]};
    const at::Tensor dy = gradients[0].contiguous(), dx = at::empty_like(x);
    // Enough blocks to fill any GPU several times over, few enough that their shares are small.
    constexpr int64_t kMaxBlocks = 2048, kTokensABlock = 256;
    const int64_t blocks =
        std::clamp<int64_t>((x.size(0) + kTokensABlock - 1) / kTokensABlock, 1, kMaxBlocks);
    const at::Tensor shares = at::empty({blocks, x.size(1)}, x.options().dtype(at::kFloat));
    const kernels::RmsRopeBackwardArgs args{
        .type = DTypeOf(x),
        .x = x.const_data_ptr(),
        .dy = dy.const_data_ptr(),
        .dx = dx.mutable_data_ptr(),
        .tokens = x.size(0),
        .channels = x.size(1),
        .head_dim = static_cast<int>(x.size(1) / context->saved_data["heads"].toInt()),
        .weight = weight.const_data_ptr<float>(),
        .weight_shares = shares.mutable_data_ptr<float>(),
        .blocks = blocks,
        .rope = RopeArgsOf(rope.t.numel() > 0 ? &rope : nullptr),
        .eps = static_cast<float>(context->saved_data["eps"].toDouble())};
    const c10::DeviceGuard guard(x.device());
    kernels::RmsRopeBackward(args, CurrentStream(x));
    return {dx, shares.sum(0), {}, {}, {}, {}, {}};
  }
};

}  // namespace

bool RmsRopeNodeTakes(const at::Tensor& x) {
  return x.size(0) > 0 &&
         x.size(1) / kernels::VectorElements(DTypeOf(x)) <= kernels::kRmsRopeBackwardMostVectors;
}

at::Tensor RmsNormRopeWithNode(const at::Tensor& x, const at::Tensor& weight, double eps,
                               int64_t heads, const RopeTables* rope) {
  const at::Tensor none = at::empty({0}, weight.options().requires_grad(false));
  const RopeTables tables = rope ? *rope : RopeTables{none, none, none};
  return RmsRopeNode::apply(x, weight, tables.t, tables.h, tables.w, eps, heads);
}

}  // namespace t3
