// The published block over ATen.
#include "models/dit/reference_published.h"

#include <ATen/ATen.h>

#include "ops/attention/rope.h"

namespace t3 {
namespace {

// (1, heads, L, d) each.
at::Tensor DefaultAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  return at::scaled_dot_product_attention(q, k, v);
}

// The axes of tokens and windows in (n_t w_t)(n_h w_h)(n_w w_w): close windows have the counts
// outside, remote ones inside.
struct WindowAxes {
  std::vector<int64_t> shape;      // of the tokens, six axes
  std::vector<int64_t> to_window;  // permutation to windows, then their tokens
};

WindowAxes WindowAxesOf(const Grid& grid, const WindowCounts& n, bool close) {
  if (close) return {{n.t, grid.t / n.t, n.h, grid.h / n.h, n.w, grid.w / n.w}, {0, 2, 4, 1, 3, 5}};
  return {{grid.t / n.t, n.t, grid.h / n.h, n.h, grid.w / n.w, n.w}, {1, 3, 5, 0, 2, 4}};
}

// (N, heads, d) -> (windows, heads, tokens of a window, d).
at::Tensor ToWindows(const at::Tensor& x, const WindowAxes& axes, int64_t windows) {
  std::vector<int64_t> shape = axes.shape, order = axes.to_window;
  for (int64_t i = 0; i < 2; ++i) {
    shape.push_back(x.size(1 + i));
    order.push_back(6 + i);
  }
  return x.reshape(shape)
      .permute(order)
      .reshape({windows, -1, x.size(1), x.size(2)})
      .transpose(1, 2)
      .contiguous();
}

at::Tensor FromWindows(const at::Tensor& x, const WindowAxes& axes) {
  std::vector<int64_t> shape, order(8);
  for (size_t i = 0; i < 6; ++i) {
    shape.push_back(axes.shape[static_cast<size_t>(axes.to_window[i])]);
    order[static_cast<size_t>(axes.to_window[i])] = static_cast<int64_t>(i);
  }
  shape.push_back(x.size(1));
  shape.push_back(x.size(3));
  order[6] = 6;
  order[7] = 7;
  return x.transpose(1, 2).reshape(shape).permute(order).reshape({-1, x.size(1), x.size(3)});
}

at::Tensor LayerNorm(const at::Tensor& x, double eps) {
  return at::layer_norm(x.to(at::kFloat), {x.size(1)}, {}, {}, eps).to(x.scalar_type());
}

}  // namespace

bool PublishedBlock::Supports(const Grid& grid, const WindowCounts& n) {
  return grid.t % n.t == 0 && grid.h % n.h == 0 && grid.w % n.w == 0;
}

at::Tensor PublishedBlock::Linear(const std::string& name, const at::Tensor& x) const {
  return at::linear(x, GetTensor(tensors_, name + ".weight"), GetTensor(tensors_, name + ".bias"));
}

at::Tensor PublishedBlock::Normed(const std::string& name, const at::Tensor& x) const {
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor normed =
      (wide * (wide.square().mean(-1, true) + config_.eps).rsqrt()).to(x.scalar_type());
  return (normed * GetTensor(tensors_, name + ".weight")).unflatten(1, {config_.num_heads, -1});
}

at::Tensor PublishedBlock::Rotated(const at::Tensor& x) const {
  const RopeTables tables =
      RopeTables::Make(grid_.t, grid_.h, grid_.w, config_.head_dim(), x.device());
  const at::Tensor turn = tables.ForTokens().to(at::kComplexDouble).unsqueeze(1);
  const at::Tensor pairs = at::view_as_complex(x.to(at::kDouble).unflatten(2, {-1, 2}));
  return at::view_as_real(pairs * turn).flatten(2).to(x.scalar_type());
}

at::Tensor PublishedBlock::SelfAttention(const at::Tensor& q_in, const at::Tensor& k_in,
                                         const at::Tensor& v_in, const WindowCounts& n) const {
  const at::Tensor q = Rotated(Normed("self_attn.norm_q", q_in));
  const at::Tensor k = Rotated(Normed("self_attn.norm_k", k_in));
  const at::Tensor v = v_in.unflatten(1, {config_.num_heads, -1});
  const auto partition = [&](bool close) {
    const WindowAxes axes = WindowAxesOf(grid_, n, close);
    const auto windows = [&](const at::Tensor& x) { return ToWindows(x, axes, n.windows()); };
    return FromWindows(DefaultAttention(windows(q), windows(k), windows(v)), axes);
  };
  const at::Tensor remote = partition(false);
  return ((remote + partition(true)) / 2).flatten(1);
}

at::Tensor PublishedBlock::CrossAttention(const at::Tensor& x, const at::Tensor& text) const {
  const auto heads_first = [](const at::Tensor& t) { return t.transpose(0, 1).unsqueeze(0); };
  const at::Tensor q = Normed("cross_attn.norm_q", Linear("cross_attn.q", x));
  const at::Tensor k = Normed("cross_attn.norm_k", Linear("cross_attn.k", text));
  const at::Tensor v = Linear("cross_attn.v", text).view_as(k);
  const at::Tensor out = DefaultAttention(heads_first(q), heads_first(k), heads_first(v));
  return Linear("cross_attn.o", out.squeeze(0).transpose(0, 1).flatten(1));
}

at::Tensor PublishedBlock::operator()(const at::Tensor& x_in, const at::Tensor& time,
                                      const at::Tensor& text, const WindowCounts& counts) const {
  const at::Tensor e = GetTensor(tensors_, "modulation")[0] + time;
  at::Tensor x = x_in;
  {
    const at::Tensor h = LayerNorm(x, config_.eps) * (1 + e[1]) + e[0];
    const at::Tensor attended = SelfAttention(Linear("self_attn.q", h), Linear("self_attn.k", h),
                                              Linear("self_attn.v", h), counts);
    x = x + Linear("self_attn.o", attended) * e[2];
  }
  const at::Tensor normed =
      at::layer_norm(x.to(at::kFloat), {x.size(1)},
                     GetTensor(tensors_, "norm3.weight").to(at::kFloat),
                     GetTensor(tensors_, "norm3.bias").to(at::kFloat), config_.eps)
          .to(x.scalar_type());
  x = x + CrossAttention(normed, text);
  const at::Tensor h = LayerNorm(x, config_.eps) * (1 + e[4]) + e[3];
  return x + Linear("ffn.2", at::gelu(Linear("ffn.0", h), "tanh")) * e[5];
}

}  // namespace t3
