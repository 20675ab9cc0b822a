// Linear layers: checks, reference, dispatch.
#include "ops/linear/linear.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "ops/dispatch.h"
#include "ops/fp8/quantise.h"
#include "ops/linear/linear_impl.h"
#include "ops/modulate/modulate.h"

namespace t3 {
namespace {

void CheckLinear(const char* op, const LinearInput& x, const LinearWeights& layer) {
  T3_CHECK(x.values.dim() == 2 && layer.weight.dim() == 2 && layer.bias.dim() == 1 &&
               layer.weight.size(1) == x.values.size(1) &&
               layer.weight.size(0) == layer.bias.size(0),
           "{}: x ({}), weight ({}), bias ({}) do not match", op, fmt::join(x.values.sizes(), ", "),
           fmt::join(layer.weight.sizes(), ", "), fmt::join(layer.bias.sizes(), ", "));
  T3_CHECK(!x.fp8() || layer.fp8(), "{}: codes for a layer whose weights are {}", op,
           c10::toString(layer.weight.scalar_type()));
}

void CheckSum(const char* op, const at::Tensor& x, const LinearInput& y,
              const LinearWeights& layer) {
  CheckLinear(op, y, layer);
  T3_CHECK(x.dim() == 2 && x.size(0) == y.rows() && x.size(1) == layer.weight.size(0),
           "{}: the sum is ({}); wanted ({}, {})", op, fmt::join(x.sizes(), ", "), y.rows(),
           layer.weight.size(0));
}

// x as the layer reads it.
LinearInput InputFor(const LinearWeights& layer, const LinearInput& x) {
  return layer.fp8() && !x.fp8() ? QuantiseRows(x.values) : x;
}

at::Tensor EmptyOutput(const LinearInput& x, const LinearWeights& layer) {
  return at::empty({x.rows(), layer.weight.size(0)}, layer.bias.options());
}

// x codes (N, in) -> (N, out).
at::Tensor LinearFp8(const LinearInput& x, const LinearWeights& layer) {
  if (SupportsLinearCuda(x, layer)) {
    const at::Tensor out = EmptyOutput(x, layer);
    LinearCuda(out, x, layer, {});
    return out;
  }
  return SupportsLinearFp8Libtorch(x, layer) ? LinearFp8Libtorch(x, layer)
                                             : LinearFp8Reference(x, layer);
}

bool SupportsAddLinearCuda(const at::Tensor& x, const LinearInput& y, const LinearWeights& layer) {
  return SupportsLinearCuda(y, layer) && SupportsVectorAccess(x) &&
         x.scalar_type() == at::kBFloat16;
}

// x += gate * (y W^T + b) with one gate (C) for all rows.
void AddGatedRows(const at::Tensor& x, const LinearInput& y, const LinearWeights& layer,
                  const at::Tensor& gate) {
  const at::Tensor bias = (layer.bias * gate).to(layer.bias.scalar_type());
  if (layer.fp8()) {
    LinearCuda(x, y, {layer.weight, bias, layer.scale * gate}, {.add = true});
    return;
  }
  const at::Tensor weight = (layer.weight * gate.unsqueeze(1)).to(layer.weight.scalar_type());
  LinearCuda(x, y, {weight, bias}, {.add = true});
}

}  // namespace

at::Tensor ApplyLinear(const LinearInput& x, const LinearWeights& layer) {
  if (layer.fp8()) {
    if (x.fp8()) return LinearFp8(x, layer);
    T3_CHECK(layer.bias.defined(), "ApplyLinear: e4m3 weights without a bias");
    const at::Tensor rows = x.values.reshape({-1, x.values.size(-1)});
    std::vector<int64_t> sizes = x.values.sizes().vec();
    sizes.back() = layer.weight.size(0);
    return LinearFp8(QuantiseRows(rows), layer).view(sizes);
  }
  if (NeedsGradient({x.values, layer.weight, layer.bias}) &&
      SupportsLinearAutograd(x.values, layer)) {
    return LinearAutograd(x.values, layer);
  }
  return at::linear(x.values, layer.weight, layer.bias);
}

void LinearInto(const at::Tensor& out, const LinearInput& x, const LinearWeights& layer) {
  CheckSum("LinearInto", out, x, layer);
  const LinearInput input = InputFor(layer, x);
  if (SupportsLinearCuda(input, layer) && SupportsVectorAccess(out)) {
    LinearCuda(out, input, layer, {});
  } else if (layer.fp8()) {
    out.copy_(LinearFp8(input, layer));
  } else {
    at::Tensor target = out;
    at::addmm_out(target, layer.bias, x.values, layer.weight.t());
  }
}

LinearInput LinearGelu(const LinearInput& x, const LinearWeights& layer,
                       const LinearWeights& reader, ExecutionMode mode) {
  CheckLinear("LinearGelu", x, layer);
  if (layer.fp8()) {
    const at::Tensor hidden = LinearFp8(InputFor(layer, x), layer);
    return reader.fp8() ? GeluQuantiseRows(hidden) : LinearInput(at::gelu(hidden, "tanh"));
  }
  if (mode == ExecutionMode::kDifferentiable) return at::gelu(ApplyLinear(x, layer), "tanh");
  if (!SupportsLinearCuda(x, layer)) {
    at::Tensor hidden = ApplyLinear(x, layer);
    return at::gelu_(hidden, "tanh");
  }
  const at::Tensor out = EmptyOutput(x, layer);
  LinearCuda(out, x, layer, {.gelu = true});
  return out;
}

void AddGatedLinear(at::Tensor& x, const LinearInput& y, const LinearWeights& layer,
                    const TokenVectors& gate, ExecutionMode mode) {
  CheckSum("AddGatedLinear", x, y, layer);
  const LinearInput input = InputFor(layer, y);
  if (mode == ExecutionMode::kDifferentiable || gate.tokens_per_row > 0 ||
      !SupportsAddLinearCuda(x, input, layer)) {
    AddGated(x, ApplyLinear(input, layer), gate, mode);
    return;
  }
  T3_CHECK(gate.rows.size(1) == x.size(1) && gate.boundary <= x.size(0),
           "AddGatedLinear: gates ({}) with a boundary at {} for x ({})",
           fmt::join(gate.rows.sizes(), ", "), gate.boundary, fmt::join(x.sizes(), ", "));
  const auto add = [&](int64_t first, int64_t count, int64_t row) {
    if (count == 0) return;
    AddGatedRows(x.narrow(0, first, count), input.Slice(first, count), layer, gate.rows[row]);
  };
  add(0, gate.boundary, 0);
  add(gate.boundary, x.size(0) - gate.boundary, gate.rows.size(0) - 1);
}

void AddLinear(at::Tensor& x, const LinearInput& y, const LinearWeights& layer,
               ExecutionMode mode) {
  CheckSum("AddLinear", x, y, layer);
  const LinearInput input = InputFor(layer, y);
  if (mode == ExecutionMode::kInPlace && SupportsAddLinearCuda(x, input, layer)) {
    LinearCuda(x, input, layer, {.add = true});
  } else {
    AddResidual(x, ApplyLinear(input, layer), mode);
  }
}

LinearInput LayerNormFor(const LinearWeights& reader, const at::Tensor& x,
                         const TokenVectors& multiplier, const TokenVectors& shift, double eps,
                         ExecutionMode mode) {
  if (reader.fp8()) return LayerNormModulateRows(x, multiplier, shift, eps);
  return LayerNormModulate(x, multiplier, shift, {eps, x.scalar_type()}, mode);
}

}  // namespace t3
