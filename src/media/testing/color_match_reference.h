// Test support: the definition of ColorMatch, pixel by pixel.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace t3 {

// One plane (height, width) as color_match.h defines its low-pass, in fp64.
inline std::vector<double> ReferenceLowPass(const std::vector<double>& plane, int64_t width,
                                            int64_t height) {
  const auto cells_of = [](int64_t pixels) {
    return std::max<int64_t>(1, static_cast<int64_t>(std::floor(pixels / 32.0 + 0.5)));
  };
  const int64_t columns = cells_of(width), rows = cells_of(height);
  const auto mean = [&](int64_t row, int64_t column) {
    double sum = 0, count = 0;
    for (int64_t y = row * height / rows; y < (row + 1) * height / rows; ++y) {
      for (int64_t x = column * width / columns; x < (column + 1) * width / columns; ++x) {
        sum += plane[static_cast<size_t>(y * width + x)], ++count;
      }
    }
    return sum / count;
  };
  std::vector<double> means;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) means.push_back(mean(row, column));
  }
  const auto smooth = [&](int64_t row, int64_t column) {
    double sum = 0, weights = 0;
    for (int64_t i = std::max<int64_t>(0, row - 1); i <= std::min(rows - 1, row + 1); ++i) {
      for (int64_t j = std::max<int64_t>(0, column - 1); j <= std::min(columns - 1, column + 1);
           ++j) {
        const double weight = (i == row ? 2 : 1) * (j == column ? 2 : 1);
        sum += weight * means[static_cast<size_t>(i * columns + j)], weights += weight;
      }
    }
    return sum / weights;
  };
  std::vector<double> out;
  const auto place = [](int64_t pixel, int64_t pixels, int64_t cells) {
    const double at = (static_cast<double>(pixel) + 0.5) * static_cast<double>(cells) /
                          static_cast<double>(pixels) -
                      0.5;
    return std::clamp(at, 0.0, static_cast<double>(cells - 1));
  };
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const double down = place(y, height, rows), across = place(x, width, columns);
      const auto i = static_cast<int64_t>(down), j = static_cast<int64_t>(across);
      const int64_t i1 = std::min(i + 1, rows - 1), j1 = std::min(j + 1, columns - 1);
      const double v = down - static_cast<double>(i), h = across - static_cast<double>(j);
      out.push_back((1 - v) * ((1 - h) * smooth(i, j) + h * smooth(i, j1)) +
                    v * ((1 - h) * smooth(i1, j) + h * smooth(i1, j1)));
    }
  }
  return out;
}

}  // namespace t3
