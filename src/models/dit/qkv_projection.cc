// q, k, v in one product or three.
#include "models/dit/qkv_projection.h"

#include <ATen/ATen.h>

#include <vector>

#include "ops/linear/linear.h"
#include "ops/profiler.h"
#include "plan/chunks.h"

namespace t3 {

QkvProjection::QkvProjection(const TensorMap& tensors, const std::string& prefix)
    : q_(tensors, prefix + ".q"), k_(tensors, prefix + ".k"), v_(tensors, prefix + ".v") {
  const bool trained =
      q_.weight.requires_grad() || k_.weight.requires_grad() || v_.weight.requires_grad();
  if (trained) return;
  packed_ = Concatenate({q_, k_, v_});
  q_ = k_ = v_ = Linear();
}

SelfAttentionInput QkvProjection::operator()(const at::Tensor& x, const NormFn& norm, int64_t chunk,
                                             ExecutionMode mode) const {
  SelfAttentionInput input;
  if (!packed_.weight.defined()) {
    const LinearInput normed = norm(x, 0);
    input.q = q_(normed);
    input.k = k_(normed);
    input.v = v_(normed);
    return input;
  }
  at::Tensor qkv;
  if (mode == ExecutionMode::kDifferentiable) {
    qkv = packed_(norm(x, 0));
  } else {
    qkv = at::empty({x.size(0), packed_.weight.size(0)}, x.options());
    ForEachChunk(x.size(0), chunk, [&](int64_t first, int64_t count) {
      const LinearInput normed = norm(x.narrow(0, first, count), first);
      const ProfileScope scope("q, k, v");
      LinearInto(qkv.narrow(0, first, count), normed, packed_);
    });
  }
  const std::vector<at::Tensor> parts = qkv.chunk(3, -1);
  input.q = parts[0];
  input.k = parts[1];
  input.v = parts[2];
  return input;
}

void QkvProjection::IntoParts(const LinearInput& normed, const at::Tensor& out) const {
  const int64_t width = out.size(2) / 3;
  for (int64_t part = 0; part < out.size(0); ++part) {
    for (int64_t which = 0; which < 3; ++which) {
      LinearInto(out[part].narrow(1, which * width, width), normed,
                 Rows(which, part * width, width));
    }
  }
}

Linear QkvProjection::Rows(int64_t which, int64_t first, int64_t count) const {
  const bool packed = packed_.weight.defined();
  const Linear& layer = packed ? packed_ : which == 0 ? q_ : which == 1 ? k_ : v_;
  if (packed) first += which * (packed_.weight.size(0) / 3);
  Linear rows;
  rows.weight = layer.weight.narrow(0, first, count);
  rows.bias = layer.bias.narrow(0, first, count);
  if (layer.scale.defined()) rows.scale = layer.scale.narrow(0, first, count);
  return rows;
}

}  // namespace t3
