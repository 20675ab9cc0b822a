// RMSNorm and RoPE: checks, reference, dispatch.
#include "ops/attention/rms_rope.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "ops/attention/rms_rope_impl.h"
#include "ops/dispatch.h"

namespace t3 {
namespace {

at::Tensor RotatePairs(const at::Tensor& x, const RopeTables& rope) {
  const at::Tensor pairs =  // (videos, tokens, heads, pairs)
      at::view_as_complex(x.unflatten(-1, {-1, 2})).unflatten(0, {-1, rope.tokens()});
  return at::view_as_real(pairs * rope.ForTokens().unsqueeze(1)).flatten(-2).flatten(0, 1);
}

at::Tensor InverseRmsReference(const at::Tensor& wide, double eps) {
  return (wide.square().mean(-1, /*keepdim=*/true) + eps).rsqrt();
}

at::Tensor RmsNormRopeReference(const at::Tensor& x, const at::Tensor& weight, double eps,
                                int64_t heads, const RopeTables* rope,
                                const at::Tensor& given_inverse) {
  const at::ScalarType compute = ComputeType(x);
  const at::Tensor wide = x.to(compute);
  const at::Tensor inverse =
      given_inverse.defined() ? given_inverse.unsqueeze(-1) : InverseRmsReference(wide, eps);
  const at::Tensor normed = (wide * inverse * weight.to(compute)).unflatten(-1, {heads, -1});
  return (rope ? RotatePairs(normed, *rope) : normed).to(x.scalar_type());
}

bool SupportsRmsRopeCuda(const at::Tensor& x, const at::Tensor& weight, int64_t heads) {
  return SupportsVectorAccess(x) && weight.scalar_type() == at::kFloat && weight.is_contiguous() &&
         x.size(1) / heads % kernels::VectorElements(DTypeOf(x)) == 0;
}

}  // namespace

at::Tensor RmsNormRope(const at::Tensor& x, const at::Tensor& weight, double eps, int64_t heads,
                       const RopeTables* rope, ExecutionMode mode, const at::Tensor& inverse) {
  T3_CHECK(
      x.dim() == 2 && weight.dim() == 1 && weight.size(0) == x.size(1) && x.size(1) % heads == 0,
      "RmsNormRope: x ({}), weight ({}), {} heads do not match", fmt::join(x.sizes(), ", "),
      fmt::join(weight.sizes(), ", "), heads);
  T3_CHECK(!rope || (x.size(0) % rope->tokens() == 0 && rope->head_dim() * heads == x.size(1)),
           "RmsNormRope: RoPE tables for {} tokens of {} channels, x ({}) in {} heads",
           rope ? rope->tokens() : 0, rope ? rope->head_dim() : 0, fmt::join(x.sizes(), ", "),
           heads);
  if (SupportsRmsRopeCuda(x, weight, heads)) {
    if (mode == ExecutionMode::kInPlace) {
      return RmsNormRopeCuda(x, weight, eps, heads, rope, inverse).unflatten(-1, {heads, -1});
    }
    if (SupportsRmsRopeAutograd(x) && !inverse.defined()) {
      return RmsNormRopeAutograd(x, weight, eps, heads, rope).unflatten(-1, {heads, -1});
    }
  }
  return RmsNormRopeReference(x, weight, eps, heads, rope, inverse);
}

at::Tensor InverseRmsOfParts(const at::Tensor& x, double eps) {
  T3_CHECK(x.dim() == 3 && x.size(0) > 0, "InverseRmsOfParts: x ({}); wanted (parts, N, C)",
           fmt::join(x.sizes(), ", "));
  if (SupportsVectorAccess(x[0]) && SupportsVectorAccess(x[-1]))
    return InverseRmsOfPartsCuda(x, eps);
  const at::Tensor rows = x.transpose(0, 1).flatten(1).to(ComputeType(x));
  return InverseRmsReference(rows, eps).squeeze(-1).to(at::kFloat);
}

}  // namespace t3
