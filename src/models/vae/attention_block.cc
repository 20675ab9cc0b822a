// Frame attention over ATen matrix products, query rows in groups.
#include "models/vae/attention_block.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/attention/softmax.h"

namespace t3 {
namespace {

// qkv (N,3C) -> (count,C) of queries from `first` on. Query rows are independent, so they run in
// groups whose scores fit score_bytes; the result is exact.
at::Tensor AttendFrame(const at::Tensor& qkv, int64_t score_bytes,
                       const std::function<void()>& poll, int64_t first, int64_t count) {
  const int64_t tokens = qkv.size(0), channels = qkv.size(1) / 3;
  const at::Tensor q = qkv.narrow(1, 0, channels).narrow(0, first, count);
  const at::Tensor keys = qkv.narrow(1, channels, channels).t();
  const at::Tensor v = qkv.narrow(1, 2 * channels, channels);
  const at::Tensor unused = at::zeros({}, qkv.options());  // beta 0: scales inside the product
  const double scale = 1 / std::sqrt(static_cast<double>(channels));
  const int64_t row_bytes = tokens * static_cast<int64_t>(qkv.element_size());
  const int64_t step = std::clamp<int64_t>(score_bytes / row_bytes, 1, tokens);
  std::vector<at::Tensor> parts;
  for (int64_t begin = 0; begin < count; begin += step) {
    if (poll) poll();
    const at::Tensor rows = q.narrow(0, begin, std::min(step, count - begin));
    parts.push_back(at::mm(SoftmaxRows(at::addmm(unused, rows, keys, 0, scale)), v));
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts, 0);
}

}  // namespace

AttentionBlock::AttentionBlock(const TensorMap& tensors, const std::string& prefix,
                               const VaeLimits& limits)
    : norm_(tensors, prefix + ".norm", limits),
      qkv_weight_(GetTensor(tensors, prefix + ".to_qkv.weight")),
      qkv_bias_(GetTensor(tensors, prefix + ".to_qkv.bias")),
      proj_weight_(GetTensor(tensors, prefix + ".proj.weight")),
      proj_bias_(GetTensor(tensors, prefix + ".proj.bias")),
      score_bytes_(limits.score_bytes) {}

at::Tensor AttentionBlock::operator()(const at::Tensor& x) const {
  const int64_t batch = x.size(0), channels = x.size(1), frames = x.size(2);
  const at::Tensor tokens =
      norm_(x).permute({0, 2, 3, 4, 1}).reshape({batch * frames, -1, channels});
  const at::Tensor out = AttendTokens(tokens, score_bytes_, {});
  return x + out.reshape({batch, frames, x.size(3), x.size(4), channels}).permute({0, 4, 1, 2, 3});
}

at::Tensor AttentionBlock::AttendTokens(const at::Tensor& normed, int64_t score_bytes,
                                        const std::function<void()>& poll, int64_t first,
                                        int64_t count) const {
  if (count < 0) count = normed.size(1) - first;
  const at::Tensor qkv = at::linear(normed, qkv_weight_.flatten(1), qkv_bias_);
  std::vector<at::Tensor> attended;
  for (int64_t i = 0; i < normed.size(0); ++i) {
    attended.push_back(AttendFrame(qkv[i], score_bytes, poll, first, count));
  }
  return at::linear(at::stack(attended), proj_weight_.flatten(1), proj_bias_);
}

}  // namespace t3
