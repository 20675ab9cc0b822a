// The detector on clips whose content is known, whole, worsened and tampered with.
#include "measure/world_detector.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "measure/degrade.h"
#include "t3video/error.h"
#include "world/world.h"

namespace t3 {
namespace {

// Held out: world_fit fits on seeds from 1,000,000.
constexpr uint64_t kFirstSeed = 5000;
constexpr int kClips = 40;

// Readings that may be wrong out of kClips by a detector that is wrong in one of `one_in`: the
// smallest number that it exceeds in less than one run of 10,000 (binomial distribution).
int AllowedErrors(double one_in) {
  const double p = 1 / one_in;
  double chance = std::pow(1 - p, kClips), left = 1 - chance;
  int errors = 0;
  while (left > 1e-4) {
    chance *= (kClips - errors) * p / ((errors + 1) * (1 - p));
    left -= chance;
    ++errors;
  }
  return errors;
}

struct Errors {
  std::array<int, kWorldAttributes> values{};
  int constraints = 0;
};

template <typename Change>
Errors CountErrors(Change change) {
  Errors errors;
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + kClips; ++seed) {
    const WorldScene scene = SampleScene(seed);
    const at::Tensor clip = RenderScene(scene, {.frames = 5, .fps = 5}, at::kCPU);
    const WorldReading reading = ReadWorld(change(clip, seed));
    for (size_t i = 0; i < kWorldAttributes; ++i) {
      errors.values[i] += reading.values[i] != scene.Values()[i];
    }
    const bool mirrored = scene.land != WorldLand::kSea || reading.MirrorPresent();
    errors.constraints +=
        !(reading.OneObject() && reading.pair_matched && reading.PathContinuous() && mirrored);
  }
  return errors;
}

TEST(WorldDetectorTest, AllowsFewErrors) {
  EXPECT_EQ(AllowedErrors(1e9), 0);
  EXPECT_GE(AllowedErrors(50), 3);
  EXPECT_LE(AllowedErrors(50), 6);
}

TEST(WorldDetectorTest, ReadsTrueClips) {
  const Errors errors = CountErrors([](const at::Tensor& video, uint64_t) { return video; });
  for (size_t i = 0; i < kWorldAttributes; ++i) {
    EXPECT_LE(errors.values[i], AllowedErrors(50)) << WorldAttributeName(WorldAttribute(i));
  }
  EXPECT_LE(errors.constraints, AllowedErrors(50));
}

TEST(WorldDetectorTest, ReadsBlurredAndNoisyClips) {
  const Errors errors = CountErrors(Degrade);
  for (size_t i = 0; i < kWorldAttributes; ++i) {
    EXPECT_LE(errors.values[i], AllowedErrors(20)) << WorldAttributeName(WorldAttribute(i));
  }
}

TEST(WorldDetectorTest, ReadsLargerClips) {
  const WorldScene scene = SampleScene(1, {0, 1, 0, 0, 0, 0, 2, 1, 2});
  const WorldView view{.width = 640, .height = 360, .frames = 9};
  EXPECT_EQ(ReadWorld(RenderScene(scene, view, at::kCPU)).values, scene.Values());
}

// A sea by day, a red balloon moving right, the sun on the left, green lanterns.
at::Tensor BalloonAtSea() {
  return RenderScene(SampleScene(1, {0, 1, 0, 0, 0, 0, 2, 0, 2}), {}, at::kCPU);
}

TEST(WorldDetectorTest, SeesASecondObject) {
  const at::Tensor clip = BalloonAtSea();
  ASSERT_TRUE(ReadWorld(clip).OneObject());
  const at::Tensor paint = at::tensor({0.86, -0.86, -0.86}).view({3, 1, 1, 1});
  clip.narrow(2, 20, 24).narrow(3, 34, 20).copy_(paint);
  EXPECT_FALSE(ReadWorld(clip).OneObject());
}

TEST(WorldDetectorTest, SeesAPairThatDoesNotMatch) {
  const at::Tensor clip = BalloonAtSea();
  ASSERT_TRUE(ReadWorld(clip).pair_matched);
  // Green and blue change places in the right lantern.
  const at::Tensor right = clip.narrow(3, 230, 26);
  right.copy_(right.clone().index_select(0, at::tensor({0, 2, 1}, at::kLong)));
  EXPECT_FALSE(ReadWorld(clip).pair_matched);
}

TEST(WorldDetectorTest, SeesAMissingMirrorImage) {
  const at::Tensor clip = BalloonAtSea();
  ASSERT_TRUE(ReadWorld(clip).MirrorPresent());
  // The water beside it in its place.
  const at::Tensor water = clip.narrow(2, 88, 56);
  water.narrow(3, 64, 128).copy_(water.narrow(3, 0, 64).repeat({1, 1, 1, 2}).clone());
  EXPECT_FALSE(ReadWorld(clip).MirrorPresent());
}

TEST(WorldDetectorTest, SeesAShadowOnTheWrongSide) {
  // A desert, a balloon that stands still, the sun on the left.
  const WorldScene scene = SampleScene(1, {3, 1, 0, 0, 0, 0, 0, 0, 2});
  const at::Tensor clip = RenderScene(scene, {.frames = 5, .fps = 5}, at::kCPU);
  ASSERT_TRUE(ReadWorld(clip).ShadowPresent());
  // The ground about the object is turned round.
  const auto x = static_cast<int64_t>(scene.object_x * 256);
  const at::Tensor ground = clip.narrow(2, 110, 34).narrow(3, x - 60, 120);
  ground.copy_(ground.flip(3).clone());
  const WorldReading turned = ReadWorld(clip);
  EXPECT_FALSE(turned.ShadowPresent());
  EXPECT_LT(turned.shadow, -0.05);
  EXPECT_TRUE(turned.shading_matches);
}

TEST(WorldDetectorTest, SeesAJump) {
  const at::Tensor clip = BalloonAtSea();
  ASSERT_TRUE(ReadWorld(clip).PathContinuous());
  // The second half in the other order.
  const at::Tensor half = clip.narrow(1, 8, 9);
  half.copy_(half.flip(1).clone());
  EXPECT_FALSE(ReadWorld(clip).PathContinuous());
}

TEST(WorldDetectorTest, SaysThatThereIsNoObject) {
  const WorldReading reading = ReadWorld(at::full({3, 4, 72, 128}, 0.1));
  EXPECT_EQ(reading.values[static_cast<size_t>(WorldAttribute::kObject)], -1);
  EXPECT_EQ(reading.values[static_cast<size_t>(WorldAttribute::kColor)], -1);
  EXPECT_EQ(reading.values[static_cast<size_t>(WorldAttribute::kMotion)], -1);
  EXPECT_EQ(reading.objects, 0);
  EXPECT_FALSE(reading.pair_matched);
  EXPECT_THROW(ReadWorld(at::zeros({3, 1, 72, 128})), Error);
}

}  // namespace
}  // namespace t3
