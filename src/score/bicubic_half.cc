// Both kernels, separable.
#include "score/bicubic_half.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace t3 {
namespace {

struct Window {
  int64_t first = 0;
  std::vector<double> weights;
};

double Cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return a * (((x - 5) * x + 8) * x - 4);
  return 0;
}

// Of the outputs 0 to out - 1, by a kernel of 8 samples.
std::vector<Window> PillowWindows(int64_t in, int64_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out), reach = 2 * scale;
  std::vector<Window> windows;
  for (int64_t i = 0; i < out; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    Window window;
    window.first = std::max<int64_t>(0, static_cast<int64_t>(centre - reach + 0.5));
    const int64_t end = std::min(in, static_cast<int64_t>(centre + reach + 0.5));
    double sum = 0;
    for (int64_t k = window.first; k < end; ++k) {
      window.weights.push_back(Cubic((static_cast<double>(k) - centre + 0.5) / scale, -0.5));
      sum += window.weights.back();
    }
    for (double& weight : window.weights) weight /= sum;
    windows.push_back(std::move(window));
  }
  return windows;
}

// Samples at 2 i + 0.5; indices beyond the border are the nearest, so weights add up there.
std::vector<Window> SharpWindows(int64_t in, int64_t out) {
  std::vector<Window> windows;
  for (int64_t i = 0; i < out; ++i) {
    Window window;
    window.first = std::clamp<int64_t>(2 * i - 1, 0, in - 1);
    window.weights.assign(4, 0.0);
    for (int64_t k = -1; k <= 2; ++k) {
      const int64_t from = std::clamp<int64_t>(2 * i + k, 0, in - 1);
      window.weights[static_cast<size_t>(from - window.first)] +=
          Cubic(static_cast<double>(k) - 0.5, -0.75);
    }
    while (window.first + std::ssize(window.weights) > in) window.weights.pop_back();
    windows.push_back(std::move(window));
  }
  return windows;
}

Plane Resample(PlaneView in, const std::vector<Window>& columns, const std::vector<Window>& rows) {
  Plane narrow(std::ssize(columns), in.height), out(std::ssize(columns), std::ssize(rows));
  for (int64_t y = 0; y < in.height; ++y) {
    const float* const from = in.row(y);
    float* to = narrow.row(y);
    for (const Window& window : columns) {
      double sum = 0;
      for (size_t k = 0; k < window.weights.size(); ++k)
        sum += window.weights[k] * from[static_cast<size_t>(window.first) + k];
      *to++ = static_cast<float>(sum);
    }
  }
  for (int64_t y = 0; y < out.height; ++y) {
    const Window& window = rows[static_cast<size_t>(y)];
    float* const to = out.row(y);
    for (size_t k = 0; k < window.weights.size(); ++k) {
      const float* const from = narrow.row(window.first + static_cast<int64_t>(k));
      const auto weight = static_cast<float>(window.weights[k]);
      for (int64_t x = 0; x < out.width; ++x) to[x] += weight * from[x];
    }
  }
  return out;
}

}  // namespace

Plane BicubicHalf(PlaneView in) {
  return Resample(in, PillowWindows(in.width, in.width / 2),
                  PillowWindows(in.height, in.height / 2));
}

Plane BicubicHalfSharp(PlaneView in) {
  const auto half = [](int64_t n) { return std::llrint(static_cast<double>(n) / 2); };
  return Resample(in, SharpWindows(in.width, half(in.width)),
                  SharpWindows(in.height, half(in.height)));
}

}  // namespace t3
