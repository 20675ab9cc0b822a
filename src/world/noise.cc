// Samples a table of noise: one gather kernel per octave.
#include "world/noise.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

namespace t3 {
namespace {

constexpr int64_t kCells = 512;
// Cells of 1/0.22 pixels are drawn fully, cells of 1/0.5 pixels not at all: two pixels a cell is
// the finest that pixels can show.
constexpr double kFull = 0.22, kGone = 0.5;

// Multiplications of a 32-bit hash, whose products stay below 2^63.
at::Tensor Mix(const at::Tensor& h) {
  constexpr int64_t kMask = 0xffffffff;
  at::Tensor x = h.bitwise_xor(h.bitwise_right_shift(16)).mul(0x45d9f3b).bitwise_and(kMask);
  x = x.bitwise_xor(x.bitwise_right_shift(16)).mul(0x45d9f3b).bitwise_and(kMask);
  return x.bitwise_xor(x.bitwise_right_shift(16));
}

// Grid coordinate in [-1, 1] of a lattice coordinate, with the smooth step inside each cell.
at::Tensor GridCoordinate(const at::Tensor& x) {
  const at::Tensor cell = x.floor();
  const at::Tensor part = x - cell;
  const at::Tensor smooth = part * part * (3 - 2 * part);
  return (cell.remainder(kCells) + smooth) * (2.0 / (kCells + 1)) + (1.0 / (kCells + 1) - 1.0);
}

double Fade(double cells_per_pixel) {
  return std::clamp((kGone - cells_per_pixel) / (kGone - kFull), 0.0, 1.0);
}

}  // namespace

Noise::Noise(at::Device device) {
  const at::Tensor cell = at::arange(kCells, at::TensorOptions(device).dtype(at::kLong));
  const at::Tensor hash = Mix(Mix(cell.view({-1, 1}) + 0x3a7f1) + cell * 0x9e3779b + 1);
  const at::Tensor values = hash.bitwise_and(0xffff).to(at::kFloat) * (2.0 / 0xffff) - 1;
  const at::Tensor wide = at::cat({values, values.narrow(1, 0, 1)}, 1);
  table_ = at::cat({wide, wide.narrow(0, 0, 1)}, 0).view({1, 1, kCells + 1, kCells + 1});
}

at::Tensor Noise::At(const at::Tensor& x, const at::Tensor& y) const {
  const std::vector<at::Tensor> both =
      at::broadcast_tensors({GridCoordinate(x), GridCoordinate(y)});
  const at::IntArrayRef sizes = both[0].sizes();
  const int64_t pictures = both[0].numel() / (sizes[3] * sizes[4]);
  const at::Tensor grid = at::stack(both, -1).view({pictures, sizes[3], sizes[4], 2});
  const at::Tensor table = table_.expand({pictures, 1, kCells + 1, kCells + 1});
  return at::grid_sampler(table, grid, /*bilinear*/ 0, /*border*/ 1, /*align_corners*/ false)
      .view(sizes);
}

at::Tensor Noise::Sum(const at::Tensor& x, const at::Tensor& y, const Octaves& octaves,
                      double pixel) const {
  at::Tensor sum;
  double frequency = octaves.frequency, amplitude = 1;
  for (int i = 0; i < octaves.max_octaves; ++i, frequency *= 1.93, amplitude *= octaves.gain) {
    const double weight = amplitude * Fade(frequency * pixel);
    if (weight <= 0) break;
    const double shift = 17.3 * i;  // so that octaves share no corner
    const at::Tensor noise = At(x * frequency + shift, y * frequency + shift);
    sum = sum.defined() ? sum.add_(noise, weight) : noise * weight;
  }
  return sum.defined() ? sum : at::zeros_like(x + y);
}

at::Tensor Noise::Sum(const at::Tensor& x, const at::Tensor& y, const Octaves& octaves,
                      const at::Tensor& pixel, double min_pixel) const {
  at::Tensor sum;
  double frequency = octaves.frequency, amplitude = 1;
  for (int i = 0; i < octaves.max_octaves && Fade(frequency * min_pixel) > 0;
       ++i, frequency *= 1.93, amplitude *= octaves.gain) {
    const at::Tensor weight =
        ((kGone - frequency * pixel) * (amplitude / (kGone - kFull))).clamp_(0, amplitude);
    const double shift = 17.3 * i;
    const at::Tensor noise = At(x * frequency + shift, y * frequency + shift);
    sum = sum.defined() ? sum.addcmul_(noise, weight) : noise * weight;
  }
  return sum.defined() ? sum : at::zeros_like(x + y);
}

}  // namespace t3
