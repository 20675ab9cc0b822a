// Linear layers: checks, reference, dispatch.
#include "ops/linear/linear.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "ops/dispatch.h"
#include "ops/linear/linear_impl.h"
#include "ops/modulate/modulate.h"

namespace t3 {
namespace {

void CheckLinear(const char* op, const at::Tensor& x, const LinearWeights& layer) {
  T3_CHECK(x.dim() == 2 && layer.weight.dim() == 2 && layer.bias.dim() == 1 &&
               layer.weight.size(1) == x.size(1) && layer.weight.size(0) == layer.bias.size(0),
           "{}: x ({}), weight ({}), bias ({}) do not match", op, fmt::join(x.sizes(), ", "),
           fmt::join(layer.weight.sizes(), ", "), fmt::join(layer.bias.sizes(), ", "));
}

void CheckSum(const char* op, const at::Tensor& x, const at::Tensor& y,
              const LinearWeights& layer) {
  CheckLinear(op, y, layer);
  T3_CHECK(x.dim() == 2 && x.size(0) == y.size(0) && x.size(1) == layer.weight.size(0),
           "{}: the sum is ({}); wanted ({}, {})", op, fmt::join(x.sizes(), ", "), y.size(0),
           layer.weight.size(0));
}

bool SupportsAddLinearCuda(const at::Tensor& x, const at::Tensor& y, const LinearWeights& layer) {
  return SupportsLinearCuda(y, layer) && SupportsVectorAccess(x);
}

// x += gate * (y W^T + b) with one gate (C) for all rows.
void AddGatedRows(const at::Tensor& x, const at::Tensor& y, const LinearWeights& layer,
                  const at::Tensor& gate) {
  const at::Tensor weight = (layer.weight * gate.unsqueeze(1)).to(layer.weight.scalar_type());
  const at::Tensor bias = (layer.bias * gate).to(layer.bias.scalar_type());
  LinearCuda(x, y, {weight, bias}, {.add = true});
}

}  // namespace

at::Tensor ApplyLinear(const at::Tensor& x, const LinearWeights& layer) {
  if (NeedsGradient({x, layer.weight, layer.bias}) && SupportsLinearAutograd(x, layer)) {
    return LinearAutograd(x, layer);
  }
  return at::linear(x, layer.weight, layer.bias);
}

void LinearInto(const at::Tensor& out, const at::Tensor& x, const LinearWeights& layer) {
  CheckSum("LinearInto", out, x, layer);
  if (SupportsLinearCuda(x, layer) && SupportsVectorAccess(out)) {
    LinearCuda(out, x, layer, {});
  } else {
    at::Tensor target = out;
    at::addmm_out(target, layer.bias, x, layer.weight.t());
  }
}

at::Tensor LinearGelu(const at::Tensor& x, const LinearWeights& layer, ExecutionMode mode) {
  CheckLinear("LinearGelu", x, layer);
  if (mode == ExecutionMode::kDifferentiable) return at::gelu(ApplyLinear(x, layer), "tanh");
  if (!SupportsLinearCuda(x, layer)) {
    at::Tensor hidden = ApplyLinear(x, layer);
    return at::gelu_(hidden, "tanh");
  }
  const at::Tensor out = at::empty({x.size(0), layer.weight.size(0)}, x.options());
  LinearCuda(out, x, layer, {.gelu = true});
  return out;
}

void AddGatedLinear(at::Tensor& x, const at::Tensor& y, const LinearWeights& layer,
                    const TokenVectors& gate, ExecutionMode mode) {
  CheckSum("AddGatedLinear", x, y, layer);
  if (mode == ExecutionMode::kDifferentiable || gate.tokens_per_row > 0 ||
      !SupportsAddLinearCuda(x, y, layer)) {
    AddGated(x, ApplyLinear(y, layer), gate, mode);
    return;
  }
  T3_CHECK(gate.rows.size(1) == x.size(1) && gate.boundary <= x.size(0),
           "AddGatedLinear: gates ({}) with a boundary at {} for x ({})",
           fmt::join(gate.rows.sizes(), ", "), gate.boundary, fmt::join(x.sizes(), ", "));
  const int64_t rest = x.size(0) - gate.boundary;
  if (gate.boundary > 0) {
    AddGatedRows(x.narrow(0, 0, gate.boundary), y.narrow(0, 0, gate.boundary), layer, gate.rows[0]);
  }
  if (rest > 0) {
    AddGatedRows(x.narrow(0, gate.boundary, rest), y.narrow(0, gate.boundary, rest), layer,
                 gate.rows[gate.rows.size(0) - 1]);
  }
}

void AddLinear(at::Tensor& x, const at::Tensor& y, const LinearWeights& layer, ExecutionMode mode) {
  CheckSum("AddLinear", x, y, layer);
  if (mode == ExecutionMode::kInPlace && SupportsAddLinearCuda(x, y, layer)) {
    LinearCuda(x, y, layer, {.add = true});
  } else {
    AddResidual(x, ApplyLinear(y, layer), mode);
  }
}

}  // namespace t3
