// The autograd function of a linear layer.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/linear/linear_impl.h"

namespace t3 {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kRowsPerBlock = 256;

// The sum over rows of g (N, C): (C) in g's dtype.
at::Tensor SumOfRows(const at::Tensor& g) {
  const int64_t whole = g.size(0) / kRowsPerBlock * kRowsPerBlock;
  if (whole == 0) return g.sum(0);
  const at::Tensor blocks = g.narrow(0, 0, whole).unflatten(0, {-1, kRowsPerBlock});
  at::Tensor sum = blocks.sum(1, false, at::kFloat).sum(0);
  if (whole < g.size(0)) sum += g.narrow(0, whole, g.size(0) - whole).sum(0, false, at::kFloat);
  return sum.to(g.scalar_type());
}

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias) {
    context->save_for_backward({x, weight});
    return at::linear(x, weight, bias);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &d = gradients[0];
    variable_list inputs(3);
    if (context->needs_input_grad(0)) inputs[0] = d.mm(weight);
    if (context->needs_input_grad(1)) inputs[1] = d.t().mm(x);
    if (context->needs_input_grad(2)) inputs[2] = SumOfRows(d);
    return inputs;
  }
};

}  // namespace

bool SupportsLinearAutograd(const at::Tensor& x, const LinearWeights& layer) {
  return layer.bias.defined() && x.is_cuda() && x.dim() == 2 && x.size(0) >= 4 * kRowsPerBlock;
}

at::Tensor LinearAutograd(const at::Tensor& x, const LinearWeights& layer) {
  return LinearFunction::apply(x, layer.weight, layer.bias);
}

}  // namespace t3
