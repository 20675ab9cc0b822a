// Detail and flicker of clips whose values are known.
#include "measure/clip_measures.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "t3video/error.h"

namespace t3 {
namespace {

// Grey stripes along x with a period in pixels, of amplitude 1 in [-1, 1].
at::Tensor StripedClip(double period, int64_t frames = 3) {
  const at::Tensor x = at::arange(64, at::kFloat) + 0.5;
  return at::cos(x * (2 * M_PI / period)).view({1, 1, 1, 64}).expand({3, frames, 32, 64});
}

TEST(DetailEnergyTest, IsTheSquareOfTheBlursComplement) {
  EXPECT_EQ(DetailEnergy(at::full({3, 2, 8, 8}, 0.3)), 0);
  // The blur scales a stripe of period p by (1 + cos(2 pi / p)) / 2; luma is half the amplitude.
  for (const double period : {4.0, 8.0, 16.0}) {
    const double left = 1 - (1 + std::cos(2 * M_PI / period)) / 2;
    const at::Tensor clip = StripedClip(period);
    const double power = clip.narrow(3, 1, 62).square().mean().item<double>() / 4;
    EXPECT_NEAR(DetailEnergy(clip), left * left * power, 1e-6) << period;
  }
}

TEST(DetailEnergyTest, OfAnEnlargement) {
  const at::Tensor clip = StripedClip(8);
  EXPECT_NEAR(EnlargedDetailEnergy(clip, 64, 32), DetailEnergy(clip), 1e-7);
  // Enlarged four times stripes of period 8 have a period of 32, of which the blur leaves 0.0096;
  // seams between the cubic pieces add to that, far less than the small clip has.
  const double left = 1 - (1 + std::cos(2 * M_PI / 32)) / 2;
  const double enlarged = EnlargedDetailEnergy(clip, 256, 128);
  EXPECT_GT(enlarged, 0.95 * left * left / 8);
  EXPECT_LT(enlarged, DetailEnergy(clip) / 20);
  // A frame counts as much as another.
  const at::Tensor half = at::cat({clip.narrow(1, 0, 1), at::zeros_like(clip.narrow(1, 0, 1))}, 1);
  EXPECT_NEAR(EnlargedDetailEnergy(half, 256, 128) / enlarged, 0.5, 1e-6);
  EXPECT_THROW(EnlargedDetailEnergy(clip, 32, 32), Error);
}

TEST(FlickerTest, CancelsFadesAndSeesJumps) {
  const at::Tensor t = at::arange(9, at::kFloat).view({1, 9, 1, 1});
  const at::Tensor fade = (t * 0.1 - 0.4).expand({3, 9, 36, 64});
  EXPECT_NEAR(Flicker(fade), 0, 1e-6);
  // Luma jumps between 0.5 and 0.6: the second difference is 0.2 in size.
  const at::Tensor jumps = (t.remainder(2) * 0.2).expand({3, 9, 36, 64});
  EXPECT_NEAR(Flicker(jumps), 0.2, 1e-6);
}

TEST(ClipMeasuresTest, RefuseWhatTheyCannotMeasure) {
  EXPECT_THROW(DetailEnergy(at::zeros({3, 1, 2, 8})), Error);
  EXPECT_THROW(DetailEnergy(at::zeros({1, 1, 8, 8})), Error);
  EXPECT_THROW(Flicker(at::zeros({3, 2, 8, 8})), Error);
}

}  // namespace
}  // namespace t3
