// Softmax attention, on the fastest kernel for the device.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "ops/execution_mode.h"
#include "plan/window_group.h"

namespace t3 {

// softmax(q k^T / sqrt(d) + bias) v for every batch entry and head.
// q (B, Lq, heads, d), k and v (B, Lk, heads, d): token-major, so that a window of a matrix of
// tokens is a view; last dimension of unit stride. bias: (Lk) or (B, Lk), fp32, or undefined; added
// to every query's logits. Returns (B, Lq, heads, d). Throws Error if the shapes do not match.
//
// Where SupportsAttendBias, a bias costs little and must hold bf16 numbers (or -infinity);
// elsewhere fast kernels take none.
at::Tensor Attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const at::Tensor& bias, ExecutionMode mode);

// Whether Attend has a fast kernel with a bias for tensors of x's dtype and device.
bool SupportsAttendBias(const at::Tensor& x, ExecutionMode mode);

// Attention inside the windows of one partition, one batch per window length. q, k, v (N, heads, d)
// in window order -> (N, heads, d). In place, one group's output exists besides that of all.
at::Tensor AttendWindows(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                         const std::vector<WindowGroup>& groups, ExecutionMode mode);

}  // namespace t3
