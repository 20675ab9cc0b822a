// Values of frames as the 16-bit codes that spool files have.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// Code c stands for (c + 32768) / 32767.5 - 1. Any shape and device, which the result has too; the
// same bits on every device.
at::Tensor FrameCodes(const at::Tensor& values);  // fp32, clamped to [-1,1] -> int16
at::Tensor FrameValues(const at::Tensor& codes);  // int16 -> fp32

}  // namespace t3
