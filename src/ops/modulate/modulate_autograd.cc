// Autograd functions around the kernels of LayerNorm and of the gated residual.
#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "kernels/add_gated_backward.h"
#include "kernels/layer_norm_backward.h"
#include "ops/dispatch.h"
#include "ops/modulate/modulate.h"
#include "ops/modulate/modulate_impl.h"

namespace t3 {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Partial sums of the vectors' gradients, (rows, blocks, C).
at::Tensor EmptySums(const at::Tensor& x, const at::Tensor& rows) {
  constexpr int64_t kMaxBlocks = 2048;
  const int64_t blocks =
      GradientBlocks(x.size(0) / rows.size(0), std::max<int64_t>(1, kMaxBlocks / rows.size(0)));
  return at::empty({rows.size(0), blocks, x.size(1)}, x.options().dtype(at::kFloat));
}

kernels::TokenRows TokenRowsOf(const at::Tensor& x, const at::Tensor& sums) {
  return {.type = DTypeOf(x),
          .tokens_per_row = x.size(0) / sums.size(0),
          .rows = sums.size(0),
          .channels = x.size(1),
          .blocks = sums.size(1)};
}

struct LayerNormModulateFunction : torch::autograd::Function<LayerNormModulateFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& multiplier, const at::Tensor& shift,
                            int64_t tokens_per_row, double eps, bool fp32) {
    const at::Tensor in = x.contiguous();
    context->save_for_backward({in, multiplier});
    context->saved_data["eps"] = eps;
    return LayerNormModulateCuda(in, {multiplier, 0, tokens_per_row}, {shift, 0, tokens_per_row},
                                 {eps, fp32 ? at::kFloat : x.scalar_type()});
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &multiplier = saved[1];
    const at::Tensor dy = gradients[0].contiguous(), dx = at::empty_like(x);
    const at::Tensor multiplier_sums = EmptySums(x, multiplier);
    const at::Tensor shift_sums = at::empty_like(multiplier_sums);
    const kernels::LayerNormModulateBackwardArgs args{
        .tokens = TokenRowsOf(x, multiplier_sums),
        .x = x.const_data_ptr(),
        .dy = dy.const_data_ptr(),
        .dy_type = DTypeOf(dy),
        .dx = dx.mutable_data_ptr(),
        .multiplier = multiplier.const_data_ptr<float>(),
        .multiplier_sums = multiplier_sums.mutable_data_ptr<float>(),
        .shift_sums = shift_sums.mutable_data_ptr<float>(),
        .eps = static_cast<float>(context->saved_data["eps"].toDouble())};
    const c10::DeviceGuard guard(x.device());
    kernels::LaunchLayerNormModulateBackward(args, CurrentStream(x));
    return {dx, multiplier_sums.sum(1), shift_sums.sum(1), {}, {}, {}};
  }
};

struct AddGatedFunction : torch::autograd::Function<AddGatedFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& y,
                            const at::Tensor& gate, int64_t tokens_per_row) {
    const at::Tensor in = x.contiguous(), added = y.contiguous();
    context->save_for_backward({added, gate});
    at::Tensor out = at::empty_like(in);
    AddGatedCuda(in, added, {gate, 0, tokens_per_row}, out);
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &y = saved[0], &gate = saved[1];
    const at::Tensor d = gradients[0].contiguous(), dy = at::empty_like(y);
    const at::Tensor sums = EmptySums(y, gate);
    const kernels::AddGatedBackwardArgs args{.tokens = TokenRowsOf(y, sums),
                                             .d = d.const_data_ptr(),
                                             .y = y.const_data_ptr(),
                                             .dy = dy.mutable_data_ptr(),
                                             .gate = gate.const_data_ptr<float>(),
                                             .gate_sums = sums.mutable_data_ptr<float>()};
    const c10::DeviceGuard guard(y.device());
    kernels::LaunchAddGatedBackward(args, CurrentStream(y));
    return {d, dy, sums.sum(1), {}};
  }
};

}  // namespace

bool SupportsModulateAutograd(const at::Tensor& x, const TokenVectors& vectors) {
  return SupportsVectorAccess(x) && vectors.boundary == 0 && x.size(0) > 0 &&
         (vectors.tokens_per_row > 0 || vectors.rows.size(0) == 1) &&
         vectors.rows.scalar_type() == at::kFloat && vectors.rows.is_contiguous() &&
         vectors.rows.size(0) <= kernels::kTokenRowsMaxRows &&
         x.size(1) / kernels::VectorElements(DTypeOf(x)) <= kernels::kTokenRowsMaxVectors;
}

at::Tensor LayerNormModulateAutograd(const at::Tensor& x, const TokenVectors& multiplier,
                                     const TokenVectors& shift, const LayerNormOptions& options) {
  return LayerNormModulateFunction::apply(x, multiplier.rows, shift.rows, multiplier.tokens_per_row,
                                          options.eps, options.out == at::kFloat);
}

at::Tensor AddGatedAutograd(const at::Tensor& x, const at::Tensor& y, const TokenVectors& gate) {
  return AddGatedFunction::apply(x, y, gate.rows, gate.tokens_per_row);
}

}  // namespace t3
