// Window attention's gradient in fp64 against attention written out from the formulas of the
// windows, and against differences of its own values.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "models/dit/attention_layout.h"
#include "ops/attention/window_attention.h"

namespace t3 {
namespace {

struct GradientCase {
  Grid grid;
  WindowCounts counts;
  int64_t heads, head_dim, videos;
};

// The window of coordinate x on an axis of `size` tokens and n windows.
using WindowOf = std::function<int64_t(int64_t x, int64_t size, int64_t n)>;

int64_t CloseWindow(int64_t x, int64_t size, int64_t n) { return x * n / size; }
int64_t RemoteWindow(int64_t x, int64_t, int64_t n) { return x % n; }
int64_t ShiftedWindow(int64_t x, int64_t size, int64_t n) {
  return n == 1 ? 0 : (2 * n * (x + 1) + size - 1) / (2 * size);
}
int64_t OneWindow(int64_t, int64_t, int64_t) { return 0; }

// (N, N) of 0 where two tokens share a window, else minus infinity.
at::Tensor WindowMask(const Grid& grid, const WindowCounts& counts, const WindowOf& window) {
  std::vector<int64_t> ids;
  for (int64_t t = 0; t < grid.t; ++t) {
    for (int64_t h = 0; h < grid.h; ++h) {
      for (int64_t w = 0; w < grid.w; ++w) {
        ids.push_back((window(t, grid.t, counts.t) * 1000 + window(h, grid.h, counts.h)) * 1000 +
                      window(w, grid.w, counts.w));
      }
    }
  }
  const at::Tensor id = at::tensor(ids, at::kLong);
  const at::Tensor same = id.unsqueeze(0) == id.unsqueeze(1);
  return at::zeros(same.sizes(), at::kDouble).masked_fill_(same.logical_not(), -INFINITY);
}

// RMSNorm, then rotation of pairs by coordinate, in sines and cosines. x (N, C) -> (heads, N, d).
at::Tensor NormAndRotate(const at::Tensor& x, const at::Tensor& weight, const GradientCase& c) {
  const at::Tensor scale = (x.square().mean(-1, true) + 1e-6).sqrt();
  const at::Tensor heads = (x / scale * weight).view({-1, c.heads, c.head_dim}).transpose(0, 1);
  const int64_t space = c.head_dim / 6, time = c.head_dim / 2 - 2 * space;
  at::Tensor angle = at::empty({c.grid.tokens(), c.head_dim / 2}, at::kDouble);
  for (int64_t token = 0; token < c.grid.tokens(); ++token) {
    const int64_t position[] = {token / (c.grid.h * c.grid.w), token / c.grid.w % c.grid.h,
                                token % c.grid.w};
    const int64_t pairs[] = {time, space, space};
    int64_t channel = 0;
    for (int axis = 0; axis < 3; ++axis) {
      for (int64_t j = 0; j < pairs[axis]; ++j) {
        const double width = 2 * static_cast<double>(pairs[axis]);
        angle[token][channel++] = static_cast<double>(position[axis]) *
                                  std::pow(10000.0, -2 * static_cast<double>(j) / width);
      }
    }
  }
  const at::Tensor pairs = heads.reshape({c.heads, -1, c.head_dim / 2, 2});
  const at::Tensor a = pairs.select(-1, 0), b = pairs.select(-1, 1);
  return at::stack({a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()}, -1)
      .flatten(2);
}

// The mean over masks of softmax(q k^T / sqrt(d) + mask) v, one video after the other.
at::Tensor WrittenOut(const std::vector<at::Tensor>& in, const std::vector<at::Tensor>& masks,
                      const GradientCase& c) {
  std::vector<at::Tensor> videos;
  for (int64_t video = 0; video < c.videos; ++video) {
    const auto of = [&](int i) {
      return in[i].narrow(0, video * c.grid.tokens(), c.grid.tokens());
    };
    const at::Tensor q = NormAndRotate(of(0), in[3], c), k = NormAndRotate(of(1), in[4], c);
    const at::Tensor v = of(2).view({-1, c.heads, c.head_dim}).transpose(0, 1);
    const at::Tensor logits =
        at::matmul(q, k.transpose(1, 2)) / std::sqrt(static_cast<double>(c.head_dim));
    at::Tensor sum = at::zeros_like(v);
    for (const at::Tensor& mask : masks) {
      sum = sum + at::matmul((logits + mask).softmax(-1), v) / static_cast<double>(masks.size());
    }
    videos.push_back(sum.transpose(0, 1).flatten(1));
  }
  return at::cat(videos);
}

at::Tensor Fast(const std::vector<at::Tensor>& in, const AttentionLayout& attention, int64_t layer,
                const GradientCase& c) {
  SelfAttentionInput input{in[0], in[1], in[2], in[3], in[4]};
  input.heads = c.heads;
  input.rope = &attention.rope();
  return WindowAttention(input, attention.layer(layer), 1'000'000, ExecutionMode::kDifferentiable);
}

// Relative, but for what is zero: attention to one token has no gradient in q and k.
double Distance(const at::Tensor& got, const at::Tensor& want) {
  const double size = want.norm().item<double>();
  const double distance = (got - want).norm().item<double>() / (size > 1e-12 ? size : 1);
  return std::isnan(distance) ? INFINITY : distance;
}

void ExpectGradients(const GradientCase& c, AttentionPattern pattern, int64_t layer,
                     const std::vector<at::Tensor>& masks) {
  const int64_t channels = c.heads * c.head_dim, rows = c.videos * c.grid.tokens();
  const auto leaf = [](at::IntArrayRef shape) {
    return at::randn(shape, at::TensorOptions().dtype(at::kDouble)).requires_grad_();
  };
  std::vector<at::Tensor> in{leaf({rows, channels}), leaf({rows, channels}), leaf({rows, channels}),
                             leaf({channels}), leaf({channels})};
  const at::Tensor pull = at::randn({rows, channels}, at::TensorOptions().dtype(at::kDouble));
  const AttentionLayout attention =
      AttentionLayout::Make(pattern, {c.counts}, c.grid, 2, c.head_dim, at::kCPU).Repeat(c.videos);
  const auto gradients = [&](const at::Tensor& output) {
    (output * pull).sum().backward();
    std::vector<at::Tensor> found;
    for (at::Tensor& x : in) {
      found.push_back(x.grad().clone());
      x.mutable_grad().reset();
    }
    return found;
  };
  const at::Tensor want = WrittenOut(in, masks, c), got = Fast(in, attention, layer, c);
  // The rotation's tables are fp32: half a unit of 2^-24 in every factor.
  constexpr double kTables = 3e-7;
  EXPECT_LT(Distance(got.detach(), want.detach()), kTables);
  const std::vector<at::Tensor> expected = gradients(want), found = gradients(got);
  for (size_t i = 0; i < in.size(); ++i) EXPECT_LT(Distance(found[i], expected[i]), kTables) << i;
  // Along a random direction: central differences, whose own error is of order h^2.
  constexpr double kStep = 1e-4;
  for (size_t i = 0; i < in.size(); ++i) {
    const at::Tensor direction = at::randn_like(in[i]);
    const auto value = [&](double h) {
      std::vector<at::Tensor> moved = in;
      moved[i] = in[i].detach() + h * direction;
      return (Fast(moved, attention, layer, c) * pull).sum().item<double>();
    };
    const double slope = (value(kStep) - value(-kStep)) / (2 * kStep);
    const double size = (found[i].norm() * direction.norm()).item<double>();
    EXPECT_NEAR((found[i] * direction).sum().item<double>(), slope, 1e-6 * (size + 1e-3)) << i;
  }
}

TEST(WindowGradient, EqualsTheFormulasForAllPatternsAndUnevenWindows) {
  const GradientCase cases[] = {
      {{3, 5, 7}, {2, 3, 2}, 2, 10, 1},  // nothing divides
      {{3, 5, 7}, {2, 3, 2}, 2, 10, 3},  // a batch of it
      {{2, 4, 6}, {1, 2, 3}, 3, 8, 2},   // even windows
      {{1, 3, 1}, {1, 3, 1}, 1, 6, 2},   // windows of one token
  };
  for (const GradientCase& c : cases) {
    const auto mask = [&](const WindowOf& window) { return WindowMask(c.grid, c.counts, window); };
    const at::Tensor close = mask(CloseWindow), remote = mask(RemoteWindow);
    ExpectGradients(c, AttentionPattern::kFull, 0, {mask(OneWindow)});
    ExpectGradients(c, AttentionPattern::kT3, 0, {close, remote});
    ExpectGradients(c, AttentionPattern::kClose, 0, {close});
    ExpectGradients(c, AttentionPattern::kRemote, 0, {remote});
    ExpectGradients(c, AttentionPattern::kSwin, 0, {close});
    ExpectGradients(c, AttentionPattern::kSwin, 1, {mask(ShiftedWindow)});
  }
}

}  // namespace
}  // namespace t3
