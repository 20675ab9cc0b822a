// The autograd function of the gather into window order.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/attention/window_attention_impl.h"

namespace t3 {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor Gather(const at::Tensor& x, const at::Tensor& order) {
  return SupportsGatherCuda(x, order) ? GatherCuda(x, order) : x.index_select(0, order);
}

struct PermuteRowsFunction : torch::autograd::Function<PermuteRowsFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& order,
                            const at::Tensor& inverse) {
    context->save_for_backward({inverse});
    return Gather(x, order);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    return {Gather(gradients[0], context->get_saved_variables()[0]), {}, {}};
  }
};

}  // namespace

at::Tensor PermuteRows(const at::Tensor& x, const at::Tensor& order, const at::Tensor& inverse) {
  return PermuteRowsFunction::apply(x, order, inverse);
}

}  // namespace t3
