// The four phases against their definition.
#include "models/decoder/phase_weight.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace t3 {
namespace {

// The definition of the four phases: nearest x2 and a padded 3x3 convolution.
TEST(PhaseWeight, IsNearestAndAConvolution) {
  at::manual_seed(1);
  const at::Tensor weight = at::randn({3, 2, 3, 3}), x = at::randn({1, 2, 4, 5});
  const at::Tensor expected = at::conv2d(at::upsample_nearest2d(x, at::IntArrayRef{8, 10}), weight,
                                         {}, at::IntArrayRef{1}, at::IntArrayRef{1});
  const at::Tensor phases =
      at::conv2d(x, PhaseWeight(weight), {}, at::IntArrayRef{1}, at::IntArrayRef{1});
  for (int64_t p = 0; p < 2; ++p) {
    for (int64_t q = 0; q < 2; ++q) {
      const at::Tensor phase = phases.narrow(1, 3 * (2 * p + q), 3).narrow(2, p, 4).narrow(3, q, 5);
      const at::Tensor wanted = expected.slice(2, p, std::nullopt, 2).slice(3, q, std::nullopt, 2);
      EXPECT_LT((phase - wanted).abs().max().item<double>(), 1e-5) << p << q;
    }
  }
}

}  // namespace
}  // namespace t3
