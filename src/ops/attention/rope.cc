// Rotary position embedding tables.
#include "ops/attention/rope.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "base/check.h"

namespace t3 {
namespace {

at::Tensor AxisTable(int64_t positions, int64_t pairs, at::Device device) {
  const auto real = at::TensorOptions().dtype(at::kDouble);
  const at::Tensor exponent = at::arange(pairs, real) * (-2.0 / static_cast<double>(2 * pairs));
  const at::Tensor angle = at::outer(at::arange(positions, real), at::pow(10000.0, exponent));
  return at::polar(at::ones_like(angle), angle).to(at::kComplexFloat).to(device);
}

}  // namespace

RopeTables RopeTables::Make(int64_t frames, int64_t height, int64_t width, int64_t head_dim,
                            at::Device device) {
  T3_CHECK(head_dim > 0 && head_dim % 2 == 0, "RoPE: heads of {} channels; wanted an even number",
           head_dim);
  const int64_t space = head_dim / 6;
  return {AxisTable(frames, head_dim / 2 - 2 * space, device), AxisTable(height, space, device),
          AxisTable(width, space, device)};
}

RopeTables RopeTables::Slice(int64_t first, int64_t count) const {
  const at::Tensor none = at::empty({1, 0}, t.options());
  return {ForTokens().narrow(0, first, count).clone(), none, none};
}

at::Tensor RopeTables::ForTokens() const {
  const int64_t nt = t.size(0), nh = h.size(0), nw = w.size(0);
  const auto expand = [&](const at::Tensor& axis, at::IntArrayRef positions) {
    std::vector<int64_t> shape = positions.vec();
    shape.push_back(axis.size(1));  // 0 of an axis without pairs
    return axis.view(shape).expand({nt, nh, nw, axis.size(1)});
  };
  return at::cat({expand(t, {nt, 1, 1}), expand(h, {1, nh, 1}), expand(w, {1, 1, nw})}, -1)
      .flatten(0, 2);
}

}  // namespace t3
