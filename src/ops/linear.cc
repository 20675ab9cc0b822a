// Linear layers: the definitions over ATen, and the choice of the GPU's products.
#include "ops/linear.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "ops/dispatch.h"
#include "ops/linear_kernel.h"
#include "ops/linear_node.h"

namespace t3 {
namespace {

void CheckLinear(const char* op, const at::Tensor& x, const LinearWeights& layer) {
  T3_CHECK(x.dim() == 2 && layer.weight.dim() == 2 && layer.bias.dim() == 1 &&
               layer.weight.size(1) == x.size(1) && layer.weight.size(0) == layer.bias.size(0),
           "{}: x ({}), weight ({}), bias ({}) do not fit", op, fmt::join(x.sizes(), ", "),
           fmt::join(layer.weight.sizes(), ", "), fmt::join(layer.bias.sizes(), ", "));
}

void CheckSum(const char* op, const at::Tensor& x, const at::Tensor& y,
              const LinearWeights& layer) {
  CheckLinear(op, y, layer);
  T3_CHECK(x.dim() == 2 && x.size(0) == y.size(0) && x.size(1) == layer.weight.size(0),
           "{}: a sum ({}) of {} rows of {} channels", op, fmt::join(x.sizes(), ", "), y.size(0),
           layer.weight.size(0));
}

// Rows [first, first + count) with the gate's row `row`.
void AddGatedRows(const at::Tensor& x, const at::Tensor& y, const LinearWeights& layer,
                  const at::Tensor& gate) {
  const at::Tensor weight = (layer.weight * gate.unsqueeze(1)).to(layer.weight.scalar_type());
  const at::Tensor bias = (layer.bias * gate).to(layer.bias.scalar_type());
  LinearKernel(x, y, {weight, bias}, {.add = true});
}

}  // namespace

at::Tensor ApplyLinear(const at::Tensor& x, const LinearWeights& layer) {
  if (LinearNodeTakes(x, layer)) return LinearWithNode(x, layer);
  return at::linear(x, layer.weight, layer.bias);
}

void LinearInto(const at::Tensor& out, const at::Tensor& x, const LinearWeights& layer) {
  CheckSum("LinearInto", out, x, layer);
  if (LinearKernelTakes(x, layer) && KernelTakes(out)) {
    LinearKernel(out, x, layer, {});
  } else {
    at::Tensor target = out;
    at::addmm_out(target, layer.bias, x, layer.weight.t());
  }
}

at::Tensor LinearGelu(const at::Tensor& x, const LinearWeights& layer) {
  CheckLinear("LinearGelu", x, layer);
  if (!LinearKernelTakes(x, layer)) {
    const at::Tensor hidden = ApplyLinear(x, layer);
    if (GradientsOn()) return at::gelu(hidden, "tanh");
    at::Tensor overwritten = hidden;
    return at::gelu_(overwritten, "tanh");
  }
  const at::Tensor out = at::empty({x.size(0), layer.weight.size(0)}, x.options());
  LinearKernel(out, x, layer, {.gelu = true});
  return out;
}

void AddGatedLinear(at::Tensor& x, const at::Tensor& y, const LinearWeights& layer,
                    const TokenVectors& gate) {
  CheckSum("AddGatedLinear", x, y, layer);
  if (gate.each > 0 || !LinearKernelTakes(y, layer) || !KernelTakes(x)) {
    AddGated(x, ApplyLinear(y, layer), gate);
    return;
  }
  T3_CHECK(gate.rows.size(1) == x.size(1) && gate.split <= x.size(0),
           "AddGatedLinear: gates ({}) split at {} for x ({})", fmt::join(gate.rows.sizes(), ", "),
           gate.split, fmt::join(x.sizes(), ", "));
  const int64_t rest = x.size(0) - gate.split;
  if (gate.split > 0) {
    AddGatedRows(x.narrow(0, 0, gate.split), y.narrow(0, 0, gate.split), layer, gate.rows[0]);
  }
  if (rest > 0) {
    AddGatedRows(x.narrow(0, gate.split, rest), y.narrow(0, gate.split, rest), layer,
                 gate.rows[gate.rows.size(0) - 1]);
  }
}

void AddLinear(at::Tensor& x, const at::Tensor& y, const LinearWeights& layer) {
  CheckSum("AddLinear", x, y, layer);
  if (LinearKernelTakes(y, layer) && KernelTakes(x)) {
    LinearKernel(x, y, layer, {.add = true});
  } else {
    AddResidual(x, ApplyLinear(y, layer));
  }
}

}  // namespace t3
