// CutPatches over ATen.
#include "models/musiq/patches.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace t3 {
namespace {

int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

// (1,3,height,width) so that its longer side is `longer`.
at::Tensor Resized(const at::Tensor& picture, int64_t longer) {
  const auto height = static_cast<double>(picture.size(2));
  const auto width = static_cast<double>(picture.size(3));
  const double ratio = static_cast<double>(longer) / std::max(height, width);
  const auto rounded = [](double size) {
    return std::max<int64_t>(1, static_cast<int64_t>(std::nearbyint(size)));
  };
  return at::upsample_bicubic2d(picture, {rounded(height * ratio), rounded(width * ratio)},
                                /*align_corners=*/false);
}

// The n-th of `count` places on a grid of `grid`, (count): nearest neighbour.
at::Tensor Hashed(int64_t count, int64_t grid) {
  const at::Tensor places = at::arange(grid, at::kFloat).view({1, 1, grid});
  return at::upsample_nearest1d(places, count).flatten().to(at::kLong);
}

// All patches of one size; at most `limit`.
MusiqPatches CutOne(const at::Tensor& picture, const MusiqConfig& config, int64_t scale,
                    int64_t limit) {
  const int64_t patch = config.patch;
  const int64_t rows = CeilDivide(picture.size(2), patch);
  const int64_t columns = CeilDivide(picture.size(3), patch);
  const int64_t below = rows * patch - picture.size(2), right = columns * patch - picture.size(3);
  const at::Tensor padded =
      at::constant_pad_nd(picture, {right / 2, right - right / 2, below / 2, below - below / 2}, 0);
  const at::Tensor pixels =
      padded[0].view({3, rows, patch, columns, patch}).permute({1, 3, 0, 2, 4}).flatten(0, 1);
  const at::Tensor positions =
      (Hashed(rows, config.grid).unsqueeze(1) * config.grid + Hashed(columns, config.grid))
          .flatten();
  const int64_t count = std::min(limit, rows * columns);
  return {pixels.narrow(0, 0, count), positions.narrow(0, 0, count),
          at::full({count}, scale, at::kLong)};
}

}  // namespace

MusiqPatches CutPatches(const at::Tensor& picture, const MusiqConfig& config) {
  T3_CHECK(picture.dim() == 3 && picture.size(0) == 3 && picture.size(1) > 0 && picture.size(2) > 0,
           "MUSIQ got a picture ({}), wanted (3, height, width)", fmt::join(picture.sizes(), ", "));
  const at::Tensor centred = ((picture - 0.5) * 2).unsqueeze(0);
  std::vector<at::Tensor> pixels, positions, scales;
  const auto add = [&](const at::Tensor& resized, int64_t limit) {
    const MusiqPatches one = CutOne(resized, config, std::ssize(pixels), limit);
    pixels.push_back(one.pixels);
    positions.push_back(one.positions);
    scales.push_back(one.scales);
  };
  for (const int64_t longer : config.longer_sides) {
    const int64_t side = CeilDivide(longer, config.patch);
    add(Resized(centred, longer), side * side);
  }
  add(centred, INT64_MAX);
  return {at::cat(pixels), at::cat(positions), at::cat(scales)};
}

}  // namespace t3
