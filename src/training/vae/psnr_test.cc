// PSNR by hand.
#include "training/vae/psnr.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/vae/testing/random_vae.h"
#include "t3video/error.h"

namespace t3 {
namespace {

TEST(PsnrTest, FollowsItsDefinition) {
  const at::Tensor a = at::zeros({3, 1, 4, 4});
  EXPECT_NEAR(Psnr(a, a + 0.2), 20, 1e-5);   // 4 / 0.04 = 100
  EXPECT_NEAR(Psnr(a - 1, a + 1), 0, 1e-9);  // black against white
  EXPECT_EQ(Psnr(a, a), INFINITY);
  EXPECT_TRUE(std::isnan(Psnr(a, at::full_like(a, NAN))));
  EXPECT_THROW(Psnr(a, at::zeros({3, 1, 4, 5})), Error);
}

TEST(EvaluateVaeTest, ReportsEachClip) {
  const VaeConfig config = SmallVaeConfig(VaeVersion::k22, 4, 4, 4);
  const Vae vae(config, RandomVaeTensors(config, 3));
  std::vector<at::Tensor> clips;
  for (uint64_t i = 0; i < 2; ++i) clips.push_back(SeededNoise({3, 5, 16, 16}, i).clamp(-1, 1));
  const PsnrReport report =
      EvaluateVae(vae, 2, [&](int64_t i) { return clips[static_cast<size_t>(i)]; });
  ASSERT_EQ(report.clips.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(report.clips[i], Psnr(vae.Decode(vae.Encode(clips[i])), clips[i]));
  }
  EXPECT_DOUBLE_EQ(report.mean, (report.clips[0] + report.clips[1]) / 2);
  EXPECT_EQ(report.worst, std::min(report.clips[0], report.clips[1]));
  EXPECT_THROW(EvaluateVae(vae, 0, {}), Error);
}

}  // namespace
}  // namespace t3
