// The attention kernel proper, chosen at run time by device.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// softmax(q k^T / sqrt(d) + bias) v for every batch entry and head.
// q (B, Lq, heads, d), k and v (B, Lk, heads, d): token-major, so that a window of a matrix of
// tokens is a view; last dimension of unit stride. bias: (Lk) or (B, Lk), fp32, or undefined, added
// to every query's logits. Returns (B, Lq, heads, d).
//
// On GPUs a bias costs little where AttendTakesBias says so, and then it must be of bf16 numbers
// (or -infinity); elsewhere fast kernels take none.
at::Tensor Attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const at::Tensor& bias = {});

// Whether Attend has a fast kernel with a bias for tensors like `x` on its GPU.
bool AttendTakesBias(const at::Tensor& x);

}  // namespace t3
