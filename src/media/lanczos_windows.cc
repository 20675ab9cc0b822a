// Weights of the Lanczos and the bicubic filter.
#include "media/lanczos_windows.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace t3 {
namespace {

constexpr double kLobes = 3;
constexpr double kBicubicLobes = 2;

double Sinc(double x) {
  if (x == 0) return 1;
  return std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
}
double Lanczos(double x) { return x >= -kLobes && x < kLobes ? Sinc(x) * Sinc(x / kLobes) : 0.0; }

double Bicubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1) return ((kA + 2) * x - (kA + 3)) * x * x + 1;
  if (x < kBicubicLobes) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0;
}

std::vector<LanczosWindow> Windows(double (*filter)(double), double lobes, int64_t in_size,
                                   int64_t out_size, int64_t begin, int64_t end) {
  const double scale = static_cast<double>(in_size) / static_cast<double>(out_size);
  const double stretch = std::max(scale, 1.0);
  const double support = lobes * stretch;
  std::vector<LanczosWindow> windows(static_cast<size_t>(end - begin));
  for (int64_t i = begin; i < end; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const auto clamp_edge = [&](double x) {
      return std::clamp<int64_t>(static_cast<int64_t>(x + 0.5), 0, in_size);
    };
    const int64_t first = clamp_edge(center - support), last = clamp_edge(center + support);
    LanczosWindow& window = windows[static_cast<size_t>(i - begin)];
    window.first = first;
    double sum = 0;
    for (int64_t j = first; j < last; ++j) {
      window.weights.push_back(filter((static_cast<double>(j) - center + 0.5) * (1.0 / stretch)));
      sum += window.weights.back();
    }
    for (double& weight : window.weights) weight /= sum;
  }
  return windows;
}

}  // namespace

std::vector<LanczosWindow> LanczosWindows(int64_t in_size, int64_t out_size, int64_t begin,
                                          int64_t end) {
  return Windows(Lanczos, kLobes, in_size, out_size, begin, end);
}

std::vector<LanczosWindow> BicubicWindows(int64_t in_size, int64_t out_size, int64_t begin,
                                          int64_t end) {
  return Windows(Bicubic, kBicubicLobes, in_size, out_size, begin, end);
}

}  // namespace t3
