// Autograd nodes around the kernels of kernels/modulate.h and kernels/modulate_backward.h.
#include "ops/modulate_node.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "kernels/modulate_backward.h"
#include "ops/dispatch.h"
#include "ops/modulate_kernel.h"

namespace t3 {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The vectors' gradients come in one share a block, (rows, blocks, C).
at::Tensor Shares(const at::Tensor& x, const at::Tensor& rows) {
  // Enough blocks to fill any GPU several times over, few enough that their shares are small.
  constexpr int64_t kMaxBlocks = 2048, kTokensABlock = 256;
  const int64_t tokens = x.size(0) / rows.size(0);
  const int64_t blocks = std::clamp<int64_t>((tokens + kTokensABlock - 1) / kTokensABlock, 1,
                                             std::max<int64_t>(1, kMaxBlocks / rows.size(0)));
  return at::empty({rows.size(0), blocks, x.size(1)}, x.options().dtype(at::kFloat));
}

kernels::TokenRows TokenRowsOf(const at::Tensor& x, const at::Tensor& shares) {
  return {.type = DTypeOf(x),
          .each = x.size(0) / shares.size(0),
          .rows = shares.size(0),
          .channels = x.size(1),
          .blocks = shares.size(1)};
}

struct LayerNormModulateNode : public torch::autograd::Function<LayerNormModulateNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& multiplier, const at::Tensor& shift, int64_t each,
                            double eps, bool fp32) {
    const at::Tensor in = x.contiguous();
    context->save_for_backward({in, multiplier});
    context->saved_data["eps"] = eps;
    return LayerNormModulateKernel(in, {multiplier, 0, each}, {shift, 0, each},
                                   {eps, fp32 ? at::kFloat : x.scalar_type()});
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &multiplier = saved[1];
    const at::Tensor dy = gradients[0].contiguous(), dx = at::empty_like(x);
    const at::Tensor multiplier_shares = Shares(x, multiplier);
    const at::Tensor shift_shares = at::empty_like(multiplier_shares);
    const kernels::LayerNormModulateBackwardArgs args{
        .tokens = TokenRowsOf(x, multiplier_shares),
        .x = x.const_data_ptr(),
        .dy = dy.const_data_ptr(),
        .dy_type = DTypeOf(dy),
        .dx = dx.mutable_data_ptr(),
        .multiplier = multiplier.const_data_ptr<float>(),
        .multiplier_shares = multiplier_shares.mutable_data_ptr<float>(),
        .shift_shares = shift_shares.mutable_data_ptr<float>(),
        .eps = static_cast<float>(context->saved_data["eps"].toDouble())};
    const c10::DeviceGuard guard(x.device());
    kernels::LayerNormModulateBackward(args, CurrentStream(x));
    return {dx, multiplier_shares.sum(1), shift_shares.sum(1), {}, {}, {}};
  }
};

struct AddGatedNode : public torch::autograd::Function<AddGatedNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& y,
                            const at::Tensor& gate, int64_t each) {
    const at::Tensor in = x.contiguous(), added = y.contiguous();
    context->save_for_backward({added, gate});
    at::Tensor out = at::empty_like(in);
    AddGatedKernel(in, added, {gate, 0, each}, out);
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &y = saved[0], &gate = saved[1];
    const at::Tensor d = gradients[0].contiguous(), dy = at::empty_like(y);
    const at::Tensor shares = Shares(y, gate);
    const kernels::AddGatedBackwardArgs args{.tokens = TokenRowsOf(y, shares),
                                             .d = d.const_data_ptr(),
                                             .y = y.const_data_ptr(),
                                             .dy = dy.mutable_data_ptr(),
                                             .gate = gate.const_data_ptr<float>(),
                                             .gate_shares = shares.mutable_data_ptr<float>()};
    const c10::DeviceGuard guard(y.device());
    kernels::AddGatedBackward(args, CurrentStream(y));
    return {d, dy, shares.sum(1), {}};
  }
};

}  // namespace

bool ModulateNodeTakes(const at::Tensor& x, const TokenVectors& vectors) {
  return FitsKernels(x) && vectors.split == 0 && x.size(0) > 0 &&
         (vectors.each > 0 || vectors.rows.size(0) == 1) &&
         vectors.rows.scalar_type() == at::kFloat && vectors.rows.is_contiguous() &&
         vectors.rows.size(0) <= kernels::kModulateBackwardMostRows &&
         x.size(1) / kernels::VectorElements(DTypeOf(x)) <= kernels::kModulateBackwardMostVectors;
}

at::Tensor LayerNormModulateWithNode(const at::Tensor& x, const TokenVectors& multiplier,
                                     const TokenVectors& shift, const LayerNormOptions& options) {
  return LayerNormModulateNode::apply(x, multiplier.rows, shift.rows, multiplier.each, options.eps,
                                      options.out == at::kFloat);
}

at::Tensor AddGatedWithNode(const at::Tensor& x, const at::Tensor& y, const TokenVectors& gate) {
  return AddGatedNode::apply(x, y, gate.rows, gate.each);
}

}  // namespace t3
