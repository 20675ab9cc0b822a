// The node of PermuteRows.
#include "ops/permute_rows.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/dispatch.h"

namespace t3 {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct PermuteRowsNode : public torch::autograd::Function<PermuteRowsNode> {
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
  if (!GradientsOn()) return x.index_select(0, order);
  return PermuteRowsNode::apply(x, order, inverse);
}

}  // namespace t3
