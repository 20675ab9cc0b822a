// Convolutions: checks, and dispatch to the custom kernel, cuDNN, oneDNN or libtorch.
#include "ops/conv/convolution.h"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mkldnn_convolution.h>
#include <c10/core/DeviceGuard.h>

#include <optional>
#include <string>

#include "base/check.h"
#include "ops/conv/causal_conv.h"
#include "ops/conv/convolution_checker.h"
#include "ops/conv/convolution_reference.h"
#include "ops/conv/convolution_tuning.h"
#include "ops/dispatch.h"

namespace t3 {
namespace {

bool UsesCausalConv(const at::Tensor& x, const at::Tensor& weight,
                    const ConvolutionOptions& options) {
  return options.time_stride == 1 && options.row_padding == 0 && options.column_padding == 1 &&
         x.size(0) > 2 && x.size(1) > 2 && x.scalar_type() == at::kBFloat16 && x.is_contiguous() &&
         IsAligned(x) && !NeedsGradient({x, weight}) &&
         IsCausalConvProfitable(weight, x.size(0) - 2, x.size(1) - 2, x.size(2));
}

bool SupportsPlans(const at::Tensor& x, const at::Tensor& weight) {
  const auto whole = [](int64_t channels) {
    return channels % kernels::VectorElements(kernels::DType::kBFloat16) == 0;
  };
  return x.is_cuda() && !NeedsGradient({x, weight}) && x.scalar_type() == at::kBFloat16 &&
         weight.scalar_type() == at::kBFloat16 && x.is_contiguous() &&
         weight.permute({0, 2, 3, 4, 1}).is_contiguous() && whole(x.size(3)) &&
         whole(weight.size(0)) && IsAligned(x) && !at::globalContext().deterministicCuDNN();
}

// Undefined if cuDNN has no plan: its memory is then free again, since results are among a decode's
// largest tensors.
at::Tensor ConvolveByPlan(const at::Tensor& x, const at::Tensor& weight,
                          const ConvolutionOptions& options) {
  const kernels::ConvolutionShape shape = ConvolutionShapeOf(x, weight, options);
  const auto [frames, rows, columns] = shape.Output();
  const at::Tensor y = at::empty({frames, rows, columns, shape.out}, x.options());
  const std::optional<std::string> plan = RunConvolutionPlan(shape, x, weight, y);
  if (!plan) return {};
  if (ConvolutionChecker* checker = ConvolutionChecker::Current()) {
    checker->Check(shape, "plan " + *plan, y, ReferenceConvolution(x, weight, options));
  }
  return y;
}

bool SupportsOneDnn(const at::Tensor& x, const at::Tensor& weight) {
  return x.is_cpu() && !NeedsGradient({x, weight}) && x.scalar_type() == at::kFloat &&
         weight.scalar_type() == at::kFloat && at::hasMKLDNN() &&
         at::globalContext().userEnabledMkldnn();
}

// libtorch itself uses oneDNN only if channels x frames x rows exceed 20480; below that, as for few
// channels or flat slabs, it copies every pixel 27 times and multiplies.
at::Tensor OneDnnConvolution(const at::Tensor& x, const at::Tensor& weight,
                             const ConvolutionOptions& options) {
  constexpr auto kLayout = at::MemoryFormat::ChannelsLast3d;
  const at::Tensor y = at::mkldnn_convolution(
      x.unsqueeze(0).permute({0, 4, 1, 2, 3}).contiguous(kLayout), weight.contiguous(kLayout), {},
      at::IntArrayRef{0, options.row_padding, options.column_padding},
      at::IntArrayRef{options.time_stride, 1, 1}, at::IntArrayRef{1, 1, 1}, 1);
  return y.squeeze(0).permute({1, 2, 3, 0}).contiguous();
}

}  // namespace

at::Tensor Convolution(const at::Tensor& x, const at::Tensor& weight,
                       const ConvolutionOptions& options) {
  T3_CHECK(x.dim() == 4 && weight.dim() == 5 && weight.size(1) == x.size(3),
           "Convolution: map ({}) and weights ({}) do not match", fmt::join(x.sizes(), ", "),
           fmt::join(weight.sizes(), ", "));
  if (SupportsOneDnn(x, weight)) return OneDnnConvolution(x, weight, options);
  if (UsesCausalConv(x, weight, options)) {
    return CausalConv({x.narrow(0, 0, 2), x.narrow(0, 2, x.size(0) - 2)}, weight);
  }
  if (SupportsPlans(x, weight)) {
    const c10::DeviceGuard guard(x.device());
    const at::Tensor y = ConvolveByPlan(x, weight, options);
    if (y.defined()) return y;
  }
  return ReferenceConvolution(x, weight, options);
}

}  // namespace t3
