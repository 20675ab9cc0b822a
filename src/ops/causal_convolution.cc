// Packing of weights, and calls of the kernel.
#include "ops/causal_convolution.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <limits>

#include "base/check.h"
#include "kernels/causal_conv.h"
#include "ops/convolution.h"
#include "ops/convolution_choice.h"
#include "ops/dispatch.h"

namespace t3 {
namespace {

// Fewer tiles than two for each multiprocessor of an H200 leave part of it idle.
constexpr int64_t kMinTiles = 264;

// In the kernel's order. Microseconds, so it is not worth a copy that stays.
at::Tensor Packed(const at::Tensor& weight) {
  constexpr int64_t kGroup = kernels::kCausalConvGroup;
  return weight.view({weight.size(0), weight.size(1) / kGroup, kGroup / 8, 8, 3, 3, 3})
      .permute({4, 1, 5, 6, 2, 0, 3})
      .contiguous();
}

bool IsMap(const at::Tensor& x, const at::Tensor& weight) {
  return x.device() == weight.device() && x.scalar_type() == at::kBFloat16 && x.dim() == 4 &&
         x.is_contiguous() && x.size(3) == weight.size(1) && x.size(1) > 2 && IsAligned(x);
}

// Into y (T,R,W,out), whose frames may lie apart.
void Run(const CausalMaps& x, const at::Tensor& weight, const NormSiluOptions& options,
         const at::Tensor& residual, const at::Tensor& y) {
  const at::Tensor &kept = x.kept, &frames = x.frames;
  T3_CHECK(HasCausalConvolution(weight) && IsMap(frames, weight) && IsMap(kept, weight) &&
               kept.size(0) == 2 && frames[0].sizes() == kept[0].sizes(),
           "CausalConvolution: no kernel for ({}) behind ({}) and weights ({})",
           fmt::join(frames.sizes(), ", "), fmt::join(kept.sizes(), ", "),
           fmt::join(weight.sizes(), ", "));
  T3_CHECK(!residual.defined() || (residual.sizes() == y.sizes() && residual[0].is_contiguous() &&
                                   residual.scalar_type() == at::kBFloat16 && IsAligned(residual)),
           "CausalConvolution: a residual ({}) for a map ({})", fmt::join(residual.sizes(), ", "),
           fmt::join(y.sizes(), ", "));
  T3_CHECK(frames[0].numel() <= std::numeric_limits<int32_t>::max() &&
               y[0].numel() <= std::numeric_limits<int32_t>::max(),
           "CausalConvolution: frames ({}) are too large", fmt::join(frames.sizes(), ", "));
  CountOwnConvolution({.x = {frames.size(0) + 2, frames.size(1), frames.size(2)},
                       .kernel = {3, 3, 3},
                       .padding = {0, 0, 1},
                       .stride = {1, 1, 1},
                       .in = frames.size(3),
                       .out = weight.size(0)});
  const c10::DeviceGuard guard(weight.device());
  const at::Tensor packed = Packed(weight);
  kernels::CausalConv(
      {.kept = kept.const_data_ptr(),
       .x = frames.const_data_ptr(),
       .weight = packed.const_data_ptr(),
       .y = y.mutable_data_ptr(),
       .y_frame_stride = y.stride(0),
       .frames = y.size(0),
       .rows = y.size(1),
       .columns = y.size(2),
       .in = frames.size(3),
       .out = weight.size(0),
       .bias = ChannelValues(options.bias, weight.size(0), "CausalConvolution, bias"),
       .gamma = ChannelValues(options.gamma, weight.size(0), "CausalConvolution, gamma"),
       .residual = residual.defined() ? residual.const_data_ptr() : nullptr,
       .residual_frame_stride = residual.defined() ? residual.stride(0) : 0},
      CurrentStream(frames));
}

// Where more than a convolution is asked for: of the convolution alone.
void CheckIfAsked(const CausalMaps& x, const at::Tensor& weight) {
  if (!ConvolutionsAreChecked()) return;
  Convolution(at::cat({x.kept, x.frames}), weight, {.column_padding = 1});
}

at::Tensor EmptyResult(const at::Tensor& x, const at::Tensor& weight) {
  return at::empty({x.size(0), x.size(1) - 2, x.size(2), weight.size(0)}, x.options());
}

}  // namespace

bool HasCausalConvolution(const at::Tensor& weight) {
  return weight.is_cuda() && weight.scalar_type() == at::kBFloat16 && !GradientsOn() &&
         weight.dim() == 5 && weight.sizes().slice(2) == at::IntArrayRef{3, 3, 3} &&
         weight.is_contiguous(at::MemoryFormat::ChannelsLast3d) && IsAligned(weight) &&
         kernels::CausalConvTakes(weight.size(1), weight.size(0)) &&
         kernels::ComputeCapability(weight.device().index()) == 90;
}

bool CausalConvolutionPays(const at::Tensor& weight, int64_t frames, int64_t rows,
                           int64_t columns) {
  return HasCausalConvolution(weight) && !PortableOnly() && ConvolutionKernelsAllowed() &&
         kernels::CausalConvTiles(frames, rows, columns, weight.size(0)) >= kMinTiles;
}

at::Tensor CausalConvolution(const CausalMaps& x, const at::Tensor& weight) {
  at::Tensor y = EmptyResult(x.frames, weight);
  Run(x, weight, {}, {}, y);
  return y;
}

at::Tensor CausalConvolutionAdd(const CausalMaps& x, const at::Tensor& weight,
                                const at::Tensor& bias, const at::Tensor& residual) {
  CheckIfAsked(x, weight);
  at::Tensor y = EmptyResult(x.frames, weight);
  Run(x, weight, {.bias = bias, .gamma = {}}, residual, y);
  return y;
}

void CausalConvolutionNormSilu(const CausalMaps& x, const at::Tensor& weight,
                               const NormSiluOptions& options, int64_t first_row,
                               const at::Tensor& out) {
  T3_CHECK(options.bias.defined() && options.gamma.defined() && options.silu,
           "CausalConvolutionNormSilu: wanted bias, gamma and SiLU");
  CheckIfAsked(x, weight);
  const int64_t made = x.frames.size(1) - 2, begin = -first_row, end = begin + made;
  T3_CHECK(begin >= 0 && end <= out.size(1) && out.size(0) == x.frames.size(0) &&
               out.size(2) == x.frames.size(2) && out.size(3) == weight.size(0) &&
               out.is_contiguous() && out.scalar_type() == at::kBFloat16 && IsAligned(out),
           "CausalConvolutionNormSilu: rows [{}, {}) of a map ({})", begin, end,
           fmt::join(out.sizes(), ", "));
  out.narrow(1, 0, begin).zero_();
  out.narrow(1, end, out.size(1) - end).zero_();
  Run(x, weight, options, {}, out.narrow(1, begin, made));
}

}  // namespace t3
