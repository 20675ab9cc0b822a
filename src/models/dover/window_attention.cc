// DoverAttention over ATen, a few windows at a time: their biases are larger than the tokens.
#include "models/dover/window_attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "arch/dover.h"
#include "base/check.h"

namespace t3 {
namespace {

constexpr int64_t kWindowChunk = 8;
constexpr double kMasked = -100;  // as published: between parts that the shift brought together

// (D,H,W,3), int64: element (d,h,w) from three vectors, one an axis.
at::Tensor Coordinates(const std::array<at::Tensor, 3>& axes) {
  return at::stack(at::meshgrid({axes[0], axes[1], axes[2]}, "ij"), -1);
}

// (windows, tokens, 3): the fragment that each token comes from. All frames are one fragment.
at::Tensor FragmentsOf(const DoverWindows& windows) {
  std::array<at::Tensor, 3> axes;
  for (size_t i = 0; i < 3; ++i) {
    const int64_t fragments = i == 0 ? 1 : windows.size[i];
    axes[i] = at::floor_divide(at::arange(windows.map[i]) * fragments, windows.map[i]);
  }
  return SplitWindows(Coordinates(axes), windows);
}

// (windows, tokens): numbers of the parts of the map that may attend to each other.
at::Tensor PartsOf(const DoverWindows& windows) {
  std::array<at::Tensor, 3> axes;
  for (size_t i = 0; i < 3; ++i) {
    const at::Tensor at = at::arange(windows.map[i]);
    axes[i] = (at >= windows.map[i] - windows.size[i]).to(at::kLong) +
              (at >= windows.map[i] - windows.shift[i]).to(at::kLong);
  }
  const at::Tensor parts = Coordinates(axes).matmul(at::tensor({9, 3, 1}, at::kLong));
  DoverWindows unshifted = windows;
  unshifted.shift = {};
  return SplitWindows(parts.unsqueeze(-1), unshifted).squeeze(-1);
}

// (tokens, tokens), int64: rows of the bias tables. For windows smaller than the published ones it
// is the corner of the full table, as published.
at::Tensor OffsetIndex(int64_t tokens) {
  std::array<at::Tensor, 3> axes;
  for (size_t i = 0; i < 3; ++i) axes[i] = at::arange(kDoverWindow[i]);
  const at::Tensor places = Coordinates(axes).flatten(0, 2).narrow(0, 0, tokens);
  const at::Tensor offsets =
      places.unsqueeze(1) - places.unsqueeze(0) +
      at::tensor({kDoverWindow[0] - 1, kDoverWindow[1] - 1, kDoverWindow[2] - 1}, at::kLong);
  const int64_t row = 2 * kDoverWindow[2] - 1;
  return offsets.matmul(at::tensor({(2 * kDoverWindow[1] - 1) * row, row, int64_t{1}}, at::kLong));
}

}  // namespace

DoverWindows DoverWindowsOf(const std::array<int64_t, 3>& map, bool shifted) {
  DoverWindows windows{.map = map, .size = kDoverWindow, .shift = {}};
  for (size_t i = 0; i < 3; ++i) {
    if (map[i] <= windows.size[i]) {
      windows.size[i] = map[i];
    } else if (shifted) {
      windows.shift[i] = windows.size[i] / 2;
    }
    T3_CHECK(map[i] > 0 && map[i] % windows.size[i] == 0,
             "DOVER got a map of {} tokens, wanted whole windows of {}", map[i], windows.size[i]);
  }
  return windows;
}

at::Tensor SplitWindows(const at::Tensor& map, const DoverWindows& windows) {
  const auto& [d, h, w] = windows.size;
  const auto& shift = windows.shift;
  const at::Tensor moved =
      windows.shifted() ? at::roll(map, {-shift[0], -shift[1], -shift[2]}, {0, 1, 2}) : map;
  return moved.view({windows.map[0] / d, d, windows.map[1] / h, h, windows.map[2] / w, w, -1})
      .permute({0, 2, 4, 1, 3, 5, 6})
      .reshape({-1, windows.tokens(), map.size(-1)});
}

at::Tensor JoinWindows(const at::Tensor& rows, const DoverWindows& windows) {
  const auto& [d, h, w] = windows.size;
  const auto& map = windows.map;
  const at::Tensor joined = rows.view({map[0] / d, map[1] / h, map[2] / w, d, h, w, -1})
                                .permute({0, 3, 1, 4, 2, 5, 6})
                                .reshape({map[0], map[1], map[2], -1});
  const auto& shift = windows.shift;
  return windows.shifted() ? at::roll(joined, {shift[0], shift[1], shift[2]}, {0, 1, 2}) : joined;
}

DoverAttention::DoverAttention(const TensorMap& tensors, const std::string& prefix, int64_t heads,
                               bool fragments)
    : heads_(heads),
      qkv_(tensors, prefix + "qkv"),
      out_(tensors, prefix + "proj"),
      position_bias_(GetTensor(tensors, prefix + "relative_position_bias_table")) {
  if (fragments) fragment_bias_ = GetTensor(tensors, prefix + "fragment_position_bias_table");
}

DoverAttention::Biases DoverAttention::BiasesOf(const DoverWindows& windows) const {
  const auto device = position_bias_.device();
  const at::Tensor index = OffsetIndex(windows.tokens()).to(device);
  const auto pairs = [&](const at::Tensor& table) {  // (heads, tokens, tokens)
    return at::embedding(table, index).permute({2, 0, 1}).contiguous();
  };
  Biases biases;
  biases.same = pairs(position_bias_);
  if (fragment_bias_.defined()) {
    biases.step = biases.same;
    biases.same = pairs(fragment_bias_);
    biases.step = biases.step - biases.same;
    biases.fragments = FragmentsOf(windows).to(device, biases.same.scalar_type());
  }
  if (windows.shifted()) biases.parts = PartsOf(windows).to(device);
  return biases;
}

// The published blend is gate * position + (1 - gate) * fragment, where the gate is the number of
// fragments between two tokens, also where that is above 1.
at::Tensor DoverAttention::Biases::Of(int64_t begin, int64_t count) const {
  at::Tensor bias = same.unsqueeze(0);
  if (step.defined()) {
    const at::Tensor from = fragments.narrow(0, begin, count);
    const at::Tensor gate = at::cdist(from, from, /*p=*/1).unsqueeze(1);
    bias = at::addcmul(bias, step.unsqueeze(0), gate);
  }
  if (!parts.defined()) return bias;
  const at::Tensor part = parts.narrow(0, begin, count);
  const at::Tensor apart = part.unsqueeze(1) != part.unsqueeze(2);
  return bias + kMasked * apart.unsqueeze(1).to(bias.scalar_type());
}

at::Tensor DoverAttention::Run(const at::Tensor& x, const DoverWindows& windows) const {
  const Biases biases = BiasesOf(windows);
  std::vector<at::Tensor> mixed;
  for (int64_t begin = 0; begin < x.size(0); begin += kWindowChunk) {
    const int64_t count = std::min(kWindowChunk, x.size(0) - begin);
    // (3, windows, heads, tokens, head width)
    const at::Tensor qkv =
        qkv_(x.narrow(0, begin, count)).unflatten(-1, {3, heads_, -1}).permute({2, 0, 3, 1, 4});
    mixed.push_back(
        at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], biases.Of(begin, count))
            .transpose(1, 2)
            .flatten(2));
  }
  return out_(at::cat(mixed));
}

}  // namespace t3
