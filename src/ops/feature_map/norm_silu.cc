// Norm + SiLU: checks, reference, dispatch.
#include "ops/feature_map/norm_silu.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/check.h"
#include "ops/dispatch.h"
#include "ops/feature_map/feature_map.h"
#include "ops/feature_map/norm_silu_impl.h"

namespace t3 {
namespace {

at::Tensor NormSiluOf(const at::Tensor& x, const NormSiluOptions& options) {
  at::Tensor y = x.to(ComputeType(x));
  if (options.bias.defined()) y = y + options.bias;
  return options.gamma.defined() ? NormSiluFormula(y, options.gamma, options.silu) : y;
}

void NormSiluReference(const at::Tensor& x, const NormSiluOptions& options, int64_t first_row,
                       const at::Tensor& out) {
  const int64_t rows = out.size(1);
  const int64_t begin = std::clamp<int64_t>(-first_row, 0, rows);
  const int64_t end = std::clamp<int64_t>(x.size(1) - first_row, begin, rows);
  out.narrow(1, 0, begin).zero_();
  out.narrow(1, end, rows - end).zero_();
  ForEachBand(x.size(0), begin, end, x.size(2) * x.size(3),
              [&](int64_t t, int64_t row, int64_t count) {
                out[t]
                    .narrow(0, row, count)
                    .copy_(NormSiluOf(x[t].narrow(0, row + first_row, count), options));
              });
}

}  // namespace

void NormSilu(const at::Tensor& x, const NormSiluOptions& options, int64_t first_row,
              const at::Tensor& out) {
  CheckMap(x, "NormSilu");
  CheckOverwritten(out, "NormSilu");
  T3_CHECK(out.size(0) == x.size(0) && out.size(2) == x.size(2) && out.size(3) == x.size(3) &&
               out.scalar_type() == x.scalar_type(),
           "NormSilu: x ({}) does not match out ({})", fmt::join(x.sizes(), ", "),
           fmt::join(out.sizes(), ", "));
  if (SupportsNormSiluCuda(x, out)) {
    NormSiluCuda(x, options, first_row, out);
  } else {
    NormSiluReference(x, options, first_row, out);
  }
}

at::Tensor NormSiluFormula(const at::Tensor& x, const at::Tensor& gamma, bool silu) {
  const at::Tensor length = at::linalg_vector_norm(x, 2, at::IntArrayRef{-1}, true);
  const at::Tensor n = x / length.clamp_min(1e-12) * gamma;
  return silu ? at::silu(n) : n;
}

at::Tensor NormSiluWithGradient(const at::Tensor& x, const at::Tensor& gamma, bool silu) {
  T3_CHECK(gamma.dim() == 1 && x.dim() >= 1 && x.size(-1) == gamma.size(0),
           "NormSilu: x ({}) does not have the {} channels of gamma", fmt::join(x.sizes(), ", "),
           gamma.numel());
  if (SupportsNormSiluAutograd(x, gamma)) return NormSiluAutograd(x, gamma, silu);
  return NormSiluFormula(x.to(ComputeType(x)), gamma, silu).to(x.scalar_type());
}

}  // namespace t3
