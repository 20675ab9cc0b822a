// LayerNorm with a modulation, and the gated residual: checks, reference, dispatch.
#include "ops/modulate/modulate.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "ops/dispatch.h"
#include "ops/modulate/modulate_impl.h"

namespace t3 {
namespace {

void CheckVectors(const at::Tensor& x, const TokenVectors& vectors, const char* what) {
  T3_CHECK(x.dim() == 2, "{}: tokens are a matrix (N, C), not {} dimensions", what, x.dim());
  const at::Tensor& rows = vectors.rows;
  T3_CHECK(rows.dim() == 2 && rows.size(1) == x.size(1) && rows.size(0) >= 1,
           "{}: vectors of {} channels are ({})", what, x.size(1), fmt::join(rows.sizes(), ", "));
  if (vectors.tokens_per_row > 0) {
    T3_CHECK(vectors.boundary == 0 && vectors.tokens_per_row * rows.size(0) == x.size(0),
             "{}: {} rows of {} tokens each and a boundary at {} for {} tokens", what, rows.size(0),
             vectors.tokens_per_row, vectors.boundary, x.size(0));
    return;
  }
  T3_CHECK(rows.size(0) <= 2, "{}: {} rows with a boundary at {}; wanted 1 or 2 rows", what,
           rows.size(0), vectors.boundary);
  T3_CHECK(vectors.boundary >= 0 && vectors.boundary <= (rows.size(0) == 2 ? x.size(0) : 0),
           "{}: a boundary at {} with {} tokens and {} rows", what, vectors.boundary, x.size(0),
           rows.size(0));
}

// f(first token, tokens, row) for the tokens of each row, results concatenated.
template <typename F>
at::Tensor ByRow(int64_t tokens, const TokenVectors& vectors, F f) {
  const int64_t last = vectors.rows.size(0) - 1;
  const int64_t boundary = vectors.boundary;
  if (boundary == 0) return f(0, tokens, last);
  if (boundary == tokens) return f(0, tokens, 0);
  return at::cat({f(0, boundary, 0), f(boundary, tokens - boundary, last)});
}

// x (K * tokens_per_row, C) -> (K, tokens_per_row, C).
at::Tensor BySample(const at::Tensor& x, const TokenVectors& vectors) {
  return x.unflatten(0, {vectors.rows.size(0), vectors.tokens_per_row});
}

at::Tensor LayerNormModulateReference(const at::Tensor& x, const TokenVectors& multiplier,
                                      const TokenVectors& shift, const LayerNormOptions& options) {
  const at::ScalarType compute = ComputeType(x);
  if (multiplier.tokens_per_row > 0) {
    const at::Tensor normed = at::layer_norm(x.to(compute), {x.size(1)}, {}, {}, options.eps);
    return at::addcmul(shift.rows.unsqueeze(1), BySample(normed, multiplier),
                       multiplier.rows.unsqueeze(1))
        .flatten(0, 1)
        .to(options.out);
  }
  return ByRow(x.size(0), multiplier, [&](int64_t first, int64_t count, int64_t row) {
    return at::layer_norm(x.narrow(0, first, count).to(compute), {x.size(1)},
                          multiplier.rows[row].to(compute), shift.rows[row].to(compute),
                          options.eps)
        .to(options.out);
  });
}

at::Tensor AddGatedReference(const at::Tensor& x, const at::Tensor& y, const TokenVectors& gate) {
  const at::ScalarType compute = ComputeType(x);
  if (gate.tokens_per_row > 0) {
    return at::addcmul(BySample(x, gate).to(compute), BySample(y, gate).to(compute),
                       gate.rows.unsqueeze(1))
        .flatten(0, 1)
        .to(x.scalar_type());
  }
  return ByRow(x.size(0), gate, [&](int64_t first, int64_t count, int64_t row) {
    return at::addcmul(x.narrow(0, first, count).to(compute), y.narrow(0, first, count).to(compute),
                       gate.rows[row].to(compute))
        .to(x.scalar_type());
  });
}

}  // namespace

void CheckModulation(const at::Tensor& x, const TokenVectors& multiplier,
                     const TokenVectors& shift) {
  CheckVectors(x, multiplier, "LayerNormModulate, multiplier");
  CheckVectors(x, shift, "LayerNormModulate, shift");
  T3_CHECK(multiplier.boundary == shift.boundary &&
               multiplier.tokens_per_row == shift.tokens_per_row &&
               multiplier.rows.size(0) == shift.rows.size(0),
           "LayerNormModulate: {} multipliers with a boundary at {}, {} shifts with one at {}",
           multiplier.rows.size(0), multiplier.boundary, shift.rows.size(0), shift.boundary);
}

at::Tensor LayerNormModulate(const at::Tensor& x, const TokenVectors& multiplier,
                             const TokenVectors& shift, const LayerNormOptions& options,
                             ExecutionMode mode) {
  CheckModulation(x, multiplier, shift);
  if (SupportsLayerNormCuda(x, options)) {
    if (mode == ExecutionMode::kInPlace) {
      return LayerNormModulateCuda(x, multiplier, shift, options);
    }
    if (SupportsModulateAutograd(x, multiplier)) {
      return LayerNormModulateAutograd(x, multiplier, shift, options);
    }
  }
  return LayerNormModulateReference(x, multiplier, shift, options);
}

void AddGated(at::Tensor& x, const at::Tensor& y, const TokenVectors& gate, ExecutionMode mode) {
  CheckVectors(x, gate, "AddGated");
  T3_CHECK(x.sizes() == y.sizes(), "AddGated: x has {} tokens, y {}", x.size(0), y.size(0));
  const bool kernel =
      SupportsVectorAccess(x) && SupportsVectorAccess(y) && x.scalar_type() == y.scalar_type();
  if (mode == ExecutionMode::kDifferentiable) {
    x = kernel && SupportsModulateAutograd(x, gate) ? AddGatedAutograd(x, y, gate)
                                                    : AddGatedReference(x, y, gate);
  } else if (kernel) {
    AddGatedCuda(x, y, gate, x);
  } else {
    x.copy_(AddGatedReference(x, y, gate));
  }
}

void AddResidual(at::Tensor& x, const at::Tensor& y, ExecutionMode mode) {
  if (mode == ExecutionMode::kDifferentiable) {
    x = x + y;
  } else {
    x.add_(y);
  }
}

}  // namespace t3
