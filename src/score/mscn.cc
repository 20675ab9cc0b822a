// The normalisation and the fit.
#include "score/mscn.h"

#include <algorithm>
#include <cmath>

namespace t3 {
namespace {

constexpr double kFirstShape = 0.2, kShapeStep = 0.001;
constexpr int kShapes = 9800;

double MomentRatio(double shape) {
  const double second = std::tgamma(2 / shape);
  return second * second / (std::tgamma(1 / shape) * std::tgamma(3 / shape));
}

double ShapeAt(size_t index) { return kFirstShape + kShapeStep * static_cast<double>(index); }

// Ascending with the shape.
const std::vector<double>& MomentRatios() {
  static const std::vector<double> ratios = [] {
    std::vector<double> values;
    for (size_t i = 0; i < kShapes; ++i) values.push_back(MomentRatio(ShapeAt(i)));
    return values;
  }();
  return ratios;
}

double ShapeOf(double ratio) {
  const std::vector<double>& ratios = MomentRatios();
  if (!std::isfinite(ratio)) return kFirstShape;
  const auto above = std::ranges::lower_bound(ratios, ratio);
  if (above == ratios.begin()) return kFirstShape;
  if (above == ratios.end()) return ShapeAt(ratios.size() - 1);
  const auto index = static_cast<size_t>(above - ratios.begin());
  return ShapeAt(ratio - *(above - 1) <= *above - ratio ? index - 1 : index);
}

double RootMean(double squares, int64_t count) {
  return count == 0 ? 0 : std::sqrt(squares / static_cast<double>(count));
}

}  // namespace

Plane MscnOf(PlaneView luma) {
  const std::vector<double> taps = GaussianTaps(7, 7.0 / 6);
  const Plane mean = Correlate(luma, taps, Border::kZero);
  Plane squares(luma.width, luma.height);
  for (size_t i = 0; i < squares.data.size(); ++i) squares.data[i] = luma.data[i] * luma.data[i];
  Plane result = Correlate(squares.view(), taps, Border::kZero);
  for (size_t i = 0; i < result.data.size(); ++i) {
    const float deviation = std::sqrt(std::abs(result.data[i] - mean.data[i] * mean.data[i]));
    result.data[i] = (luma.data[i] - mean.data[i]) / (deviation + 1);
  }
  return result;
}

AsymmetricGaussian FitAsymmetricGaussian(const SampleSums& sums) {
  AsymmetricGaussian fit;
  fit.left_deviation = RootMean(sums.left_squares, sums.left);
  fit.right_deviation = RootMean(sums.right_squares, sums.right);
  const double count = static_cast<double>(sums.left + sums.right);
  const double mean = sums.absolute / count;
  const double power = (sums.left_squares + sums.right_squares) / count;
  const double gamma = fit.left_deviation / fit.right_deviation;
  const double symmetric = gamma * gamma + 1;
  fit.shape = ShapeOf(mean * mean / power * (gamma * gamma * gamma + 1) * (gamma + 1) /
                      (symmetric * symmetric));
  const double first = std::tgamma(1 / fit.shape);
  const double scale = std::sqrt(first / std::tgamma(3 / fit.shape));
  fit.left_scale = scale * fit.left_deviation, fit.right_scale = scale * fit.right_deviation;
  fit.mean = (fit.right_scale - fit.left_scale) * std::tgamma(2 / fit.shape) / first;
  return fit;
}

}  // namespace t3
