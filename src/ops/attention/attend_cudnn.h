// Attention by cuDNN's plans, autotuned for each shape.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace t3 {

// out = softmax(q k^T / sqrt(d)) v; each (B, L, heads, d) bf16 on one GPU of capability 9.0 or
// later, last dimension of unit stride. False if libtorch should do it: builds without cuDNN's
// front end, deterministic runs, little work, plans that are refused or wrong.
//
// The first result of every plan is compared with libtorch's on some rows.
bool AttendByCudnnPlan(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                       const at::Tensor& out);

// Work from which plans are used, half a millisecond: building them costs more than smaller shapes
// can win back.
inline constexpr double kMinPlanFlop = 0x1p36;

// The same of e4m3 codes, with the scales of kernels::FindAttentionPlans, (8) fp32, and of any
// amount of work.
bool AttendCodesByCudnnPlan(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& scales, const at::Tensor& out);

// A line for each shape so far: the times of its plans and the one that is taken.
std::vector<std::string> DescribeAttentionPlans();

}  // namespace t3
