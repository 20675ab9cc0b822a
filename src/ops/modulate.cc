// LayerNorm with a modulation, and the gated residual, over ATen.
#include "ops/modulate.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/check.h"
#include "ops/dispatch.h"
#include "ops/modulate_kernel.h"
#include "ops/modulate_node.h"

namespace t3 {
namespace {

void CheckVectors(const at::Tensor& x, const TokenVectors& vectors, const char* what) {
  T3_CHECK(x.dim() == 2, "{}: tokens are a matrix (N, C), not {} dimensions", what, x.dim());
  const at::Tensor& rows = vectors.rows;
  T3_CHECK(rows.dim() == 2 && rows.size(1) == x.size(1) && rows.size(0) >= 1,
           "{}: vectors of {} channels are ({})", what, x.size(1), fmt::join(rows.sizes(), ", "));
  if (vectors.each > 0) {
    T3_CHECK(vectors.split == 0 && vectors.each * rows.size(0) == x.size(0),
             "{}: {} rows of {} tokens each and a split at {} for {} tokens", what, rows.size(0),
             vectors.each, vectors.split, x.size(0));
    return;
  }
  T3_CHECK(rows.size(0) <= 2, "{}: {} rows split at {}; wanted 1 or 2", what, rows.size(0),
           vectors.split);
  T3_CHECK(vectors.split >= 0 && vectors.split <= (rows.size(0) == 2 ? x.size(0) : 0),
           "{}: split {} with {} tokens and {} rows", what, vectors.split, x.size(0), rows.size(0));
}

// Applies f(tokens, index of the row) to the part of the tokens that takes each row.
template <typename F>
at::Tensor ByRow(int64_t tokens, const TokenVectors& vectors, F f) {
  const int64_t last = vectors.rows.size(0) - 1;
  const int64_t split = vectors.split;
  if (split == 0) return f(0, tokens, last);
  if (split == tokens) return f(0, tokens, 0);
  return at::cat({f(0, split, 0), f(split, tokens - split, last)});
}

// x (K * each, C) -> (K, each, C).
at::Tensor BySample(const at::Tensor& x, const TokenVectors& vectors) {
  return x.unflatten(0, {vectors.rows.size(0), vectors.each});
}

at::Tensor LayerNormModulatePlain(const at::Tensor& x, const TokenVectors& multiplier,
                                  const TokenVectors& shift, const LayerNormOptions& options) {
  const at::ScalarType compute = ComputeType(x);
  if (multiplier.each > 0) {
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

at::Tensor AddGatedPlain(const at::Tensor& x, const at::Tensor& y, const TokenVectors& gate) {
  const at::ScalarType compute = ComputeType(x);
  if (gate.each > 0) {
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

TokenVectors TokenVectors::Slice(int64_t first, int64_t count) const {
  if (each > 0) {
    T3_CHECK(first == 0 && count == each * rows.size(0),
             "TokenVectors of a batch of {} tokens are not cut into {} from {} on",
             each * rows.size(0), count, first);
    return *this;
  }
  return {rows, std::clamp<int64_t>(split - first, 0, count)};
}

at::Tensor LayerNormModulate(const at::Tensor& x, const TokenVectors& multiplier,
                             const TokenVectors& shift, const LayerNormOptions& options) {
  CheckVectors(x, multiplier, "LayerNormModulate, multiplier");
  CheckVectors(x, shift, "LayerNormModulate, shift");
  T3_CHECK(multiplier.split == shift.split && multiplier.each == shift.each &&
               multiplier.rows.size(0) == shift.rows.size(0),
           "LayerNormModulate: {} multipliers split at {}, {} shifts split at {}",
           multiplier.rows.size(0), multiplier.split, shift.rows.size(0), shift.split);
  if (LayerNormKernelTakes(x, options)) {
    if (!GradientsOn()) return LayerNormModulateKernel(x, multiplier, shift, options);
    if (ModulateNodeTakes(x, multiplier))
      return LayerNormModulateWithNode(x, multiplier, shift, options);
  }
  return LayerNormModulatePlain(x, multiplier, shift, options);
}

void AddGated(at::Tensor& x, const at::Tensor& y, const TokenVectors& gate) {
  CheckVectors(x, gate, "AddGated");
  T3_CHECK(x.sizes() == y.sizes(), "AddGated: x has {} tokens, y {}", x.size(0), y.size(0));
  const bool fits = FitsKernels(x) && FitsKernels(y) && x.scalar_type() == y.scalar_type();
  if (GradientsOn()) {
    x = fits && ModulateNodeTakes(x, gate) ? AddGatedWithNode(x, y, gate)
                                           : AddGatedPlain(x, y, gate);
  } else if (fits) {
    AddGatedKernel(x, y, gate, x);
  } else {
    x.copy_(AddGatedPlain(x, y, gate));
  }
}

void AddResidual(at::Tensor& x, const at::Tensor& y) {
  if (GradientsOn()) {
    x = x + y;
  } else {
    x.add_(y);
  }
}

}  // namespace t3
