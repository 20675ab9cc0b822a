// Numbers as e4m3 codes: checks, references, dispatch.
#include "ops/fp8/quantise.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "kernels/device.h"
#include "ops/dispatch.h"
#include "ops/fp8/quantise_impl.h"
#include "ops/modulate/modulate.h"
#include "ops/modulate/modulate_impl.h"

namespace t3 {
namespace {

constexpr double kMinRowMax = 0x1p-100;  // 448 / m stays finite

void CheckRows(const char* op, const at::Tensor& x) {
  T3_CHECK(x.dim() == 2 && x.is_floating_point(), "{}: x ({}) {}; wanted a matrix (N, C)", op,
           fmt::join(x.sizes(), ", "), c10::toString(x.scalar_type()));
  T3_CHECK(!NeedsGradient({x}), "{}: codes have no gradient", op);
}

// x (N, C) fp32.
LinearInput QuantiseReference(const at::Tensor& x) {
  const at::Tensor largest =
      x.size(1) == 0 ? x.new_zeros({x.size(0)}) : x.abs().amax(1).clamp_min(kMinRowMax);
  // The quotient of two fp32 numbers, rounded to fp32.
  const at::Tensor inverse = at::full({}, kFp8Max, x.options()) / largest;
  return {ToFp8(x * inverse.unsqueeze(1)), largest / kFp8Max};
}

}  // namespace

bool MultipliesFp8(at::Device device) {
  return device.is_cuda() && kernels::ComputeCapability(device.index()) >= 89;
}

at::Tensor ToFp8(const at::Tensor& x) {
  // libtorch's conversion has no saturation: it gives NaN from 464 on.
  return x.clamp(-kFp8Max, kFp8Max).to(at::kFloat8_e4m3fn);
}

LinearInput QuantiseRows(const at::Tensor& x) {
  CheckRows("QuantiseRows", x);
  if (SupportsQuantiseRowsCuda(x)) return QuantiseRowsCuda(x, /*gelu=*/false);
  return QuantiseReference(x.to(at::kFloat));
}

LinearInput GeluQuantiseRows(const at::Tensor& x) {
  CheckRows("GeluQuantiseRows", x);
  if (SupportsQuantiseRowsCuda(x)) return QuantiseRowsCuda(x, /*gelu=*/true);
  return QuantiseReference(at::gelu(x.to(at::kFloat), "tanh"));
}

LinearInput LayerNormModulateRows(const at::Tensor& x, const TokenVectors& multiplier,
                                  const TokenVectors& shift, double eps) {
  CheckRows("LayerNormModulateRows", x);
  CheckModulation(x, multiplier, shift);
  if (SupportsLayerNormRowsCuda(x, multiplier)) {
    return LayerNormModulateRowsCuda(x, multiplier, shift, eps);
  }
  return QuantiseReference(
      LayerNormModulate(x, multiplier, shift, {eps, at::kFloat}, ExecutionMode::kInPlace));
}

at::Tensor Dequantise(const LinearInput& rows) {
  return rows.values.to(at::kFloat) * rows.scale.unsqueeze(1);
}

}  // namespace t3
