// Choice between cuDNN's plans, oneDNN and libtorch.
#include "ops/convolution.h"

#include <ATen/Context.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mkldnn_convolution.h>
#include <c10/core/DeviceGuard.h>

#include "base/check.h"
#include "ops/causal_convolution.h"
#include "ops/convolution_choice.h"
#include "ops/dispatch.h"

namespace t3 {
namespace {

kernels::ConvolutionShape ShapeOf(const at::Tensor& x, const at::Tensor& weight,
                                  const ConvolutionOptions& options) {
  return {.x = {x.size(0), x.size(1), x.size(2)},
          .kernel = {weight.size(2), weight.size(3), weight.size(4)},
          .padding = {0, options.row_padding, options.column_padding},
          .stride = {options.time_stride, 1, 1},
          .in = x.size(3),
          .out = weight.size(0)};
}

bool CausalKernelTakes(const at::Tensor& x, const at::Tensor& weight,
                       const ConvolutionOptions& options) {
  return options.time_stride == 1 && options.row_padding == 0 && options.column_padding == 1 &&
         x.size(0) > 2 && x.size(1) > 2 && x.scalar_type() == at::kBFloat16 && x.is_contiguous() &&
         IsAligned(x) && CausalConvolutionPays(weight, x.size(0) - 2, x.size(1) - 2, x.size(2));
}

bool PlansTake(const at::Tensor& x, const at::Tensor& weight) {
  const auto whole = [](int64_t channels) {
    return channels % kernels::VectorElements(kernels::DType::kBFloat16) == 0;
  };
  return x.is_cuda() && !GradientsOn() && x.scalar_type() == at::kBFloat16 &&
         weight.scalar_type() == at::kBFloat16 && x.is_contiguous() &&
         weight.permute({0, 2, 3, 4, 1}).is_contiguous() && whole(x.size(3)) &&
         whole(weight.size(0)) && IsAligned(x) && !at::globalContext().deterministicCuDNN();
}

// Undefined where cuDNN has no plan: its place is free again then, since results are among a
// decode's largest tensors.
at::Tensor ByPlan(const kernels::ConvolutionShape& shape, const at::Tensor& x,
                  const at::Tensor& weight) {
  const auto [frames, rows, columns] = shape.Made();
  const at::Tensor y = at::empty({frames, rows, columns, shape.out}, x.options());
  return RunChosenPlan(shape, x, weight, y) ? y : at::Tensor();
}

bool OneDnnTakes(const at::Tensor& x, const at::Tensor& weight) {
  return x.is_cpu() && !GradientsOn() && x.scalar_type() == at::kFloat &&
         weight.scalar_type() == at::kFloat && at::hasMKLDNN() &&
         at::globalContext().userEnabledMkldnn();
}

// libtorch itself takes oneDNN only where channels x frames x rows pass 20480; below that, and so
// for few channels or low slabs, it copies every pixel 27 times and multiplies.
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

at::Tensor PlainConvolution(const at::Tensor& x, const at::Tensor& weight,
                            const ConvolutionOptions& options) {
  if (weight.size(2) == 1 && options.time_stride == 1) {
    return at::conv2d(x.permute({0, 3, 1, 2}), weight.squeeze(2), {}, at::IntArrayRef{1},
                      at::IntArrayRef{options.row_padding, options.column_padding})
        .permute({0, 2, 3, 1})
        .contiguous();
  }
  const at::Tensor video = x.unsqueeze(0).permute({0, 4, 1, 2, 3});
  const at::Tensor y = at::conv3d(video, weight, {}, at::IntArrayRef{options.time_stride, 1, 1},
                                  at::IntArrayRef{0, options.row_padding, options.column_padding});
  return y.squeeze(0).permute({1, 2, 3, 0}).contiguous();  // as cuDNN leaves it: no copy
}

at::Tensor Convolution(const at::Tensor& x, const at::Tensor& weight,
                       const ConvolutionOptions& options) {
  T3_CHECK(x.dim() == 4 && weight.dim() == 5 && weight.size(1) == x.size(3),
           "Convolution: map ({}) and weights ({})", fmt::join(x.sizes(), ", "),
           fmt::join(weight.sizes(), ", "));
  if (OneDnnTakes(x, weight)) return OneDnnConvolution(x, weight, options);
  const bool causal = CausalKernelTakes(x, weight, options);
  if (!causal && !PlansTake(x, weight)) return PlainConvolution(x, weight, options);
  const c10::DeviceGuard guard(x.device());
  const kernels::ConvolutionShape shape = ShapeOf(x, weight, options);
  at::Tensor y = causal
                     ? CausalConvolution({x.narrow(0, 0, 2), x.narrow(0, 2, x.size(0) - 2)}, weight)
                     : ByPlan(shape, x, weight);
  if (!y.defined()) return PlainConvolution(x, weight, options);
  if (ConvolutionsAreChecked()) {
    CheckConvolution(shape, y, PlainConvolution(x, weight, options));
  }
  return y;
}

}  // namespace t3
