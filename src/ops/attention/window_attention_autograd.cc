// The autograd function of the gather into window order.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/attention/window_attention_impl.h"

namespace t3 {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct PermuteRowsFunction : torch::autograd::Function<PermuteRowsFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& order,
                            const at::Tensor& inverse) {
    context->save_for_backward({inverse});
    return x.index_select(0, order);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    return {gradients[0].index_select(0, context->get_saved_variables()[0]), {}, {}};
  }
};

}  // namespace

at::Tensor PermuteRows(const at::Tensor& x, const at::Tensor& order, const at::Tensor& inverse) {
  return PermuteRowsFunction::apply(x, order, inverse);
}

}  // namespace t3
