// Numbers as e4m3 codes times a scale.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/linear/linear_input.h"
#include "ops/modulate/token_vectors.h"

namespace t3 {

// e4m3: 4 bits of exponent, 3 of mantissa, no infinity. Normal numbers from 2^-6 to 448 have a
// relative error of at most 2^-4, smaller ones an absolute error of at most 2^-10.
inline constexpr double kFp8Max = 448;

// Whether the device has instructions that multiply e4m3 codes.
bool MultipliesFp8(at::Device device);

// x as the nearest e4m3 codes, ties to even; beyond +-448 the code of +-448, NaN stays. Any float
// dtype -> float8_e4m3fn, same shape.
at::Tensor ToFp8(const at::Tensor& x);

// Each row of x (N, C), bf16 or fp32, as codes times a scale, so that its largest magnitude is at
// 448: with m = max(|x|, 2^-100) the scale is m / 448 and a code is x * (448 / m), both in fp32.
// Rows with NaN or infinity have NaN. Without a gradient. Throws Error for other shapes.
LinearInput QuantiseRows(const at::Tensor& x);
// The same of gelu(x), tanh approximation, in fp32.
LinearInput GeluQuantiseRows(const at::Tensor& x);
// The same of LayerNormModulate (modulate/modulate.h), in fp32.
LinearInput LayerNormModulateRows(const at::Tensor& x, const TokenVectors& multiplier,
                                  const TokenVectors& shift, double eps);

// (N, C) fp32: codes times scales.
at::Tensor Dequantise(const LinearInput& rows);

}  // namespace t3
