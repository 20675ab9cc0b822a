// A block by its formulas (model.md 1) in fp32, rounded where the published bf16 code rounds.
#include "models/dit/testing/reference_block.h"

#include <ATen/ATen.h>

#include <cmath>

namespace t3 {
namespace {

// What the formulas of one block share.
class ReferenceMath {
 public:
  ReferenceMath(const ReferenceInput& in, const Rounding& round) : in_(in), round_(round) {}

  at::Tensor Weight(const std::string& name) const {
    return GetTensor(in_.weights, name).to(at::kFloat);
  }
  at::Tensor Linear(const std::string& name, const at::Tensor& x) const {
    return round_(at::addmm(Weight(name + ".bias"), x, Weight(name + ".weight").t()));
  }
  // The modulated norm with vectors first, first + 1 of the six.
  at::Tensor Modulated(const at::Tensor& x, int64_t first) const {
    const at::Tensor normed = round_(at::layer_norm(x, {x.size(1)}, {}, {}, in_.config.eps));
    return round_(round_(normed * round_(1 + Vector(first + 1))) + Vector(first));
  }
  at::Tensor Vector(int64_t i) const { return round_((Weight("modulation")[0] + in_.time)[i]); }
  // (rows, dim) -> (rows, heads, head_dim).
  at::Tensor NormedHeads(const std::string& norm, const at::Tensor& x) const {
    const at::Tensor scale = (x.square().mean(-1, true) + in_.config.eps).rsqrt();
    return round_(round_(x * scale) * Weight(norm + ".weight"))
        .unflatten(1, {in_.config.num_heads, -1});
  }
  // x (rows, heads, head_dim) of `tokens`, angles and rotation in fp64.
  at::Tensor Rotated(const at::Tensor& x, const std::vector<int64_t>& tokens) const {
    const int64_t half = x.size(2) / 2, space = x.size(2) / 6, time = half - 2 * space;
    at::Tensor angles = at::empty({x.size(0), half}, at::kDouble);
    double* angle = angles.mutable_data_ptr<double>();
    for (const int64_t token : tokens) {
      const int64_t plane = in_.grid.h * in_.grid.w;
      const int64_t at[] = {token / plane, token % plane / in_.grid.w, token % in_.grid.w};
      const int64_t pairs[] = {time, space, space};
      for (int axis = 0; axis < 3; ++axis) {
        for (int64_t j = 0; j < pairs[axis]; ++j) {
          *angle++ = static_cast<double>(at[axis]) *
                     std::pow(10000.0,
                              -2.0 * static_cast<double>(j) / static_cast<double>(2 * pairs[axis]));
        }
      }
    }
    const at::Tensor turn = at::polar(at::ones_like(angles), angles).to(x.device()).unsqueeze(1);
    const at::Tensor pairs =
        at::view_as_complex(x.to(at::kDouble).unflatten(2, {-1, 2}).contiguous());
    return round_(at::view_as_real(pairs * turn).flatten(2).to(at::kFloat));
  }
  // q (heads, d), k and v (rows, heads, d) -> (dim).
  at::Tensor Attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) const {
    const double scale = 1 / std::sqrt(static_cast<double>(q.size(1)));
    const at::Tensor weights =
        (k.to(at::kDouble) * q.to(at::kDouble)).sum(-1).mul(scale).softmax(0);
    return round_((weights.unsqueeze(-1) * v.to(at::kDouble)).sum(0).to(at::kFloat)).flatten();
  }

 private:
  const ReferenceInput& in_;
  const Rounding& round_;
};

template <typename InWindow>
std::vector<int64_t> TokensWhere(const Grid& grid, InWindow in_window) {
  std::vector<int64_t> tokens;
  for (int64_t t = 0; t < grid.t; ++t) {
    for (int64_t h = 0; h < grid.h; ++h) {
      for (int64_t w = 0; w < grid.w; ++w) {
        if (in_window(t, h, w)) tokens.push_back((t * grid.h + h) * grid.w + w);
      }
    }
  }
  return tokens;
}

at::Tensor ReferenceCrossAttention(const ReferenceMath& math, const at::Tensor& x,
                                   const at::Tensor& text) {
  const at::Tensor q = math.NormedHeads("cross_attn.norm_q", math.Linear("cross_attn.q", x));
  const at::Tensor k = math.NormedHeads("cross_attn.norm_k", math.Linear("cross_attn.k", text));
  const at::Tensor v = math.Linear("cross_attn.v", text).view_as(k);
  return math.Linear("cross_attn.o", math.Attend(q[0], k, v).unsqueeze(0));
}

}  // namespace

at::Tensor NoRounding(const at::Tensor& x) { return x; }

at::Tensor Bf16Rounding(const at::Tensor& x) { return x.to(at::kBFloat16).to(x.scalar_type()); }

std::vector<int64_t> CloseWindowOf(const Grid& grid, const WindowCounts& n, int64_t token) {
  const int64_t t0 = token / (grid.h * grid.w), h0 = token / grid.w % grid.h, w0 = token % grid.w;
  return TokensWhere(grid, [&](int64_t t, int64_t h, int64_t w) {
    return t * n.t / grid.t == t0 * n.t / grid.t && h * n.h / grid.h == h0 * n.h / grid.h &&
           w * n.w / grid.w == w0 * n.w / grid.w;
  });
}

std::vector<int64_t> RemoteWindowOf(const Grid& grid, const WindowCounts& n, int64_t token) {
  const int64_t t0 = token / (grid.h * grid.w), h0 = token / grid.w % grid.h, w0 = token % grid.w;
  return TokensWhere(grid, [&](int64_t t, int64_t h, int64_t w) {
    return t % n.t == t0 % n.t && h % n.h == h0 % n.h && w % n.w == w0 % n.w;
  });
}

at::Tensor ReferenceWindowAttention(const ReferenceInput& in, int64_t token,
                                    const std::vector<int64_t>& window, const Rounding& round) {
  const ReferenceMath math(in, round);
  const auto rows = [&](const std::vector<int64_t>& tokens) {
    const at::Tensor index = at::tensor(tokens, at::kLong).to(in.x.device());
    return math.Modulated(in.x.index_select(0, index).to(at::kFloat), 0);
  };
  const at::Tensor keys = rows(window);
  const auto heads = [&](const char* name, const at::Tensor& x, const std::vector<int64_t>& at) {
    const std::string linear = std::string("self_attn.") + name;
    return math.Rotated(
        math.NormedHeads(std::string("self_attn.norm_") + name, math.Linear(linear, x)), at);
  };
  const at::Tensor k = heads("k", keys, window);
  const at::Tensor v = math.Linear("self_attn.v", keys).view_as(k);
  return math.Attend(heads("q", rows({token}), {token})[0], k, v);
}

at::Tensor ReferenceBlock(const ReferenceInput& in, int64_t token, const Rounding& round) {
  const ReferenceMath math(in, round);
  const at::Tensor close =
      ReferenceWindowAttention(in, token, CloseWindowOf(in.grid, in.counts, token), round);
  const at::Tensor remote =
      ReferenceWindowAttention(in, token, RemoteWindowOf(in.grid, in.counts, token), round);
  const at::Tensor attended = round(round(remote + close) / 2).unsqueeze(0);
  at::Tensor x = in.x.narrow(0, token, 1).to(at::kFloat);
  x = round(x + round(math.Linear("self_attn.o", attended) * math.Vector(2)));
  const at::Tensor normed = round(at::layer_norm(x, {x.size(1)}, math.Weight("norm3.weight"),
                                                 math.Weight("norm3.bias"), in.config.eps));
  x = round(x + ReferenceCrossAttention(math, normed, in.text.to(at::kFloat)));
  const at::Tensor hidden = round(at::gelu(math.Linear("ffn.0", math.Modulated(x, 3)), "tanh"));
  return round(x + round(math.Linear("ffn.2", hidden) * math.Vector(5)))[0];
}

}  // namespace t3
