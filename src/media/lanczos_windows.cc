// Weights of the Lanczos filter.
#include "media/lanczos_windows.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace t3 {
namespace {

constexpr double kLobes = 3;

double Sinc(double x) {
  if (x == 0) return 1;
  return std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
}
double Lanczos(double x) { return x >= -kLobes && x < kLobes ? Sinc(x) * Sinc(x / kLobes) : 0.0; }

}  // namespace

std::vector<LanczosWindow> LanczosWindows(int64_t in_size, int64_t out_size, int64_t begin,
                                          int64_t end) {
  const double scale = static_cast<double>(in_size) / static_cast<double>(out_size);
  const double stretch = std::max(scale, 1.0);
  const double support = kLobes * stretch;
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
      window.weights.push_back(Lanczos((static_cast<double>(j) - center + 0.5) * (1.0 / stretch)));
      sum += window.weights.back();
    }
    for (double& weight : window.weights) weight /= sum;
  }
  return windows;
}

}  // namespace t3
