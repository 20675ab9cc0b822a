// Rounding to codes and back.
#include "pipeline/frame_codes.h"

#include <ATen/ATen.h>

namespace t3 {
namespace {

constexpr double kHalfRange = 32767.5;
constexpr int64_t kOffset = 32768;

}  // namespace

at::Tensor FrameCodes(const at::Tensor& values) {
  return values.clamp(-1, 1).add_(1).mul_(kHalfRange).round_().sub_(kOffset).to(at::kShort);
}

at::Tensor FrameValues(const at::Tensor& codes) {
  // By a tensor: a GPU multiplies by the reciprocal of a number, which rounds differently.
  const at::Tensor divisor = at::full({}, kHalfRange, codes.options().dtype(at::kFloat));
  return codes.to(at::kFloat).add_(kOffset).div_(divisor).sub_(1);
}

}  // namespace t3
