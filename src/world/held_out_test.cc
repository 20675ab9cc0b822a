// The held-out scenes.
#include "world/held_out.h"

#include <gtest/gtest.h>

#include "world/world.h"

namespace t3 {
namespace {

TEST(HeldOut, IsOneCombinationInEight) {
  int64_t held_out = 0;
  constexpr int64_t kScenes = 8000;
  for (uint64_t seed = 0; seed < kScenes; ++seed) held_out += IsHeldOut(SampleScene(seed).Values());
  // Binomial with p = 1/8: five standard deviations of sqrt(n p (1 - p)) are 148.
  EXPECT_NEAR(held_out, kScenes / 8, 148);
}

TEST(HeldOut, EachSideDrawsItsOwnCombinations) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    EXPECT_FALSE(IsHeldOut(TrainingScene(seed).Values()));
    EXPECT_TRUE(IsHeldOut(HeldOutScene(seed).Values()));
  }
  EXPECT_EQ(TrainingScene(7).seed, TrainingScene(7).seed);
  EXPECT_NE(TrainingScene(7).seed, TrainingScene(8).seed);
}

}  // namespace
}  // namespace t3
