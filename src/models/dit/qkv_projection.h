// The projections of self-attention.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>

#include "models/dit/weights.h"
#include "ops/attention/window_attention.h"
#include "ops/execution_mode.h"

namespace t3 {

class QkvProjection {
 public:
  // Packs `prefix`.{q,k,v} into one layer, whose single GEMM is 4 % faster than three, unless one
  // of them is trained.
  QkvProjection(const TensorMap& tensors, const std::string& prefix);

  // norm(rows, index of the first) of tokens, as reader() takes them, and the projections of the
  // result. x (N, dim) -> q, k, v (N, dim), columns of one matrix if packed. In place, packed
  // projections run on `chunk` rows at a time.
  using NormFn = std::function<LinearInput(const at::Tensor& rows, int64_t first)>;
  SelfAttentionInput operator()(const at::Tensor& x, const NormFn& norm, int64_t chunk,
                                ExecutionMode mode) const;

  // Of normed tokens (N, dim), as reader() takes them, to out (parts, N, 3 dim / parts): of each of
  // `parts` equal groups of heads its q|k|v. Rows of out may be strided. In place.
  void IntoParts(const LinearInput& normed, const at::Tensor& out) const;

  // A layer that reads the normed tokens.
  LinearWeights reader() const { return packed_.weight.defined() ? packed_ : q_; }

 private:
  // Output channels of one of q, k and v, which are 0, 1 and 2; views.
  Linear Rows(int64_t which, int64_t first, int64_t count) const;

  Linear packed_;     // undefined if q, k, v are trained
  Linear q_, k_, v_;  // undefined if packed
};

}  // namespace t3
