// Packing of weights, and tensors to the arguments of kernels/causal_conv.h.
#include "ops/conv/causal_conv.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <limits>

#include "base/check.h"
#include "kernels/causal_conv.h"
#include "kernels/device.h"
#include "ops/conv/convolution_checker.h"
#include "ops/conv/convolution_reference.h"
#include "ops/conv/convolution_tuning.h"
#include "ops/dispatch.h"

namespace t3 {
namespace {

// Fewer than two tiles for each multiprocessor of an H200 leave part of it idle.
constexpr int64_t kMinTiles = 264;

// In the kernel's order. It takes microseconds, so a cached copy is not worth its memory.
at::Tensor PackWeight(const at::Tensor& weight) {
  constexpr int64_t kGroup = kernels::kCausalConvGroup;
  return weight.view({weight.size(0), weight.size(1) / kGroup, kGroup / 8, 8, 3, 3, 3})
      .permute({4, 1, 5, 6, 2, 0, 3})
      .contiguous();
}

bool IsCausalMap(const at::Tensor& x, const at::Tensor& weight) {
  return x.device() == weight.device() && x.scalar_type() == at::kBFloat16 && x.dim() == 4 &&
         x.is_contiguous() && x.size(3) == weight.size(1) && x.size(1) > 2 && IsAligned(x);
}

kernels::ConvolutionShape CausalShape(const CausalMaps& x, const at::Tensor& weight) {
  const at::Tensor& frames = x.frames;
  return {.x = {frames.size(0) + 2, frames.size(1), frames.size(2)},
          .kernel = {3, 3, 3},
          .padding = {0, 0, 1},
          .stride = {1, 1, 1},
          .in = frames.size(3),
          .out = weight.size(0)};
}

void CheckCausal(const CausalMaps& x, const at::Tensor& weight, const at::Tensor& residual,
                 const at::Tensor& y) {
  const at::Tensor &cache = x.cache, &frames = x.frames;
  T3_CHECK(SupportsCausalConv(weight) && IsCausalMap(frames, weight) &&
               IsCausalMap(cache, weight) && cache.size(0) == 2 &&
               frames[0].sizes() == cache[0].sizes(),
           "CausalConv: no kernel for ({}) behind ({}) and weights ({})",
           fmt::join(frames.sizes(), ", "), fmt::join(cache.sizes(), ", "),
           fmt::join(weight.sizes(), ", "));
  T3_CHECK(!residual.defined() || (residual.sizes() == y.sizes() && residual[0].is_contiguous() &&
                                   residual.scalar_type() == at::kBFloat16 && IsAligned(residual)),
           "CausalConv: a residual ({}) for a map ({})", fmt::join(residual.sizes(), ", "),
           fmt::join(y.sizes(), ", "));
  T3_CHECK(frames[0].numel() <= std::numeric_limits<int32_t>::max() &&
               y[0].numel() <= std::numeric_limits<int32_t>::max(),
           "CausalConv: frames ({}) are too large", fmt::join(frames.sizes(), ", "));
}

// Into y (T,R,W,out), whose frames may lie apart.
void RunCausalConv(const CausalMaps& x, const at::Tensor& weight, const NormSiluOptions& options,
                   const at::Tensor& residual, const at::Tensor& y) {
  const at::Tensor &cache = x.cache, &frames = x.frames;
  CheckCausal(x, weight, residual, y);
  CountCustomConvolution(CausalShape(x, weight));
  const c10::DeviceGuard guard(weight.device());
  const at::Tensor packed = PackWeight(weight);
  kernels::LaunchCausalConv(
      {.cache = cache.const_data_ptr(),
       .x = frames.const_data_ptr(),
       .weight = packed.const_data_ptr(),
       .y = y.mutable_data_ptr(),
       .y_frame_stride = y.stride(0),
       .frames = y.size(0),
       .rows = y.size(1),
       .columns = y.size(2),
       .in = frames.size(3),
       .out = weight.size(0),
       .bias = ChannelValues(options.bias, weight.size(0), "CausalConv, bias"),
       .gamma = ChannelValues(options.gamma, weight.size(0), "CausalConv, gamma"),
       .residual = residual.defined() ? residual.const_data_ptr() : nullptr,
       .residual_frame_stride = residual.defined() ? residual.stride(0) : 0},
      CurrentStream(frames));
}

at::Tensor EmptyResult(const at::Tensor& x, const at::Tensor& weight) {
  return at::empty({x.size(0), x.size(1) - 2, x.size(2), weight.size(0)}, x.options());
}

}  // namespace

bool SupportsCausalConv(const at::Tensor& weight) {
  return weight.is_cuda() && weight.scalar_type() == at::kBFloat16 && !NeedsGradient({weight}) &&
         weight.dim() == 5 && weight.sizes().slice(2) == at::IntArrayRef{3, 3, 3} &&
         weight.is_contiguous(at::MemoryFormat::ChannelsLast3d) && IsAligned(weight) &&
         kernels::SupportsCausalConv(weight.size(1), weight.size(0)) &&
         kernels::ComputeCapability(weight.device().index()) == 90;
}

bool IsCausalConvProfitable(const at::Tensor& weight, int64_t frames, int64_t rows,
                            int64_t columns) {
  return SupportsCausalConv(weight) && !PortableOnly() && ConvolutionKernelsAllowed() &&
         kernels::CausalConvTiles(frames, rows, columns, weight.size(0)) >= kMinTiles;
}

at::Tensor CausalConv(const CausalMaps& x, const at::Tensor& weight) {
  at::Tensor y = EmptyResult(x.frames, weight);
  RunCausalConv(x, weight, {}, {}, y);
  if (ConvolutionChecker* checker = ConvolutionChecker::Current()) {
    checker->Check(
        CausalShape(x, weight), "the custom kernel", y,
        ReferenceConvolution(at::cat({x.cache, x.frames}), weight, {.column_padding = 1}));
  }
  return y;
}

at::Tensor CausalConvAdd(const CausalMaps& x, const at::Tensor& weight, const at::Tensor& bias,
                         const at::Tensor& residual) {
  if (ConvolutionChecker::Current() != nullptr) CausalConv(x, weight);  // checks it alone
  at::Tensor y = EmptyResult(x.frames, weight);
  RunCausalConv(x, weight, {.bias = bias, .gamma = {}}, residual, y);
  return y;
}

void CausalConvNormSilu(const CausalMaps& x, const at::Tensor& weight,
                        const NormSiluOptions& options, int64_t first_row, const at::Tensor& out) {
  T3_CHECK(options.bias.defined() && options.gamma.defined() && options.silu,
           "CausalConvNormSilu: wanted bias, gamma and SiLU");
  if (ConvolutionChecker::Current() != nullptr) CausalConv(x, weight);  // checks it alone
  const int64_t rows = x.frames.size(1) - 2, begin = -first_row, end = begin + rows;
  T3_CHECK(begin >= 0 && end <= out.size(1) && out.size(0) == x.frames.size(0) &&
               out.size(2) == x.frames.size(2) && out.size(3) == weight.size(0) &&
               out.is_contiguous() && out.scalar_type() == at::kBFloat16 && IsAligned(out),
           "CausalConvNormSilu: rows [{}, {}) of a map ({})", begin, end,
           fmt::join(out.sizes(), ", "));
  out.narrow(1, 0, begin).zero_();
  out.narrow(1, end, out.size(1) - end).zero_();
  RunCausalConv(x, weight, options, {}, out.narrow(1, begin, rows));
}

}  // namespace t3
