// Which of cuDNN's plans attention of a shape takes: the fastest of its first few, found on the
// way.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace t3 {

// out = softmax(q k^T / sqrt(d)) v; each (B, L, heads, d) bf16 on one GPU of capability 9.0 or
// later, last dimension of unit stride. False where libtorch should do it: builds without cuDNN's
// front end, deterministic runs, little work, plans that are refused or wrong.
//
// The first calls of a shape take one plan after the other, each twice, and their results are used;
// rows of a plan's first result are compared with libtorch's.
bool AttendByPlan(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const at::Tensor& out);

// A line for each shape so far: what was timed and what is taken.
std::vector<std::string> DescribeAttentionPlans();

}  // namespace t3
