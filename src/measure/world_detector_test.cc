// The detector on clips whose content is known: true, degraded and tampered with.
#include "measure/world_detector.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <vector>

#include "measure/degrade.h"
#include "measure/paint.h"
#include "t3video/error.h"
#include "world/world.h"

namespace t3 {
namespace {

// Scenes in which every value of every attribute occurs, and most pairs of neighbouring ones. Their
// seeds are held out: world_fit fits on seeds from 1,000,000.
std::vector<WorldScene> VariedScenes() {
  constexpr int kScenes = 10;
  std::vector<WorldScene> scenes;
  for (int i = 0; i < kScenes; ++i) {
    WorldValues values{i % 4,     (i + i / 4) % 4, i % 2,       i / 2 % 2,      i % 4,
                       2 * i % 5, i % 3,           (i + 1) % 4, (3 * i + 1) % 5};
    int& object = values[static_cast<size_t>(WorldAttribute::kObject)];
    if (object == 3)
      object = static_cast<int>(values[0] == 0 ? WorldObject::kBoat : WorldObject::kCar);
    scenes.push_back(SampleScene(6000 + static_cast<uint64_t>(i), values));
  }
  scenes[0] = SampleScene(6100, {0, 1, 1, 1, 3, 0, 1, 0, 3});  // a boat
  return scenes;
}

TEST(WorldDetectorTest, TheScenesHaveEveryValue) {
  std::array<std::set<int>, kWorldAttributes> seen;
  for (const WorldScene& scene : VariedScenes()) {
    for (size_t i = 0; i < kWorldAttributes; ++i) seen[i].insert(scene.Values()[i]);
  }
  for (size_t i = 0; i < kWorldAttributes; ++i) {
    const auto attribute = static_cast<WorldAttribute>(i);
    EXPECT_EQ(seen[i].size(), WorldValueNames(attribute).size()) << WorldAttributeName(attribute);
  }
}

// True clips, and the same blurred with noise. Scenes are fixed, so no reading may be wrong.
TEST(WorldDetectorTest, ReadsTrueAndDegradedClips) {
  for (const WorldScene& scene : VariedScenes()) {
    const at::Tensor clip = RenderScene(scene, {.frames = 5, .fps = 5}, at::kCPU);
    const WorldReading reading = ReadWorld(clip);
    EXPECT_EQ(reading.values, scene.Values()) << scene.seed;
    EXPECT_TRUE(reading.OneObject() && reading.pair_matched && reading.PathContinuous())
        << scene.seed;
    EXPECT_TRUE(scene.land != WorldLand::kSea || reading.MirrorPresent()) << scene.seed;
    EXPECT_EQ(ReadWorld(Degrade(clip, scene.seed)).values, scene.Values()) << scene.seed;
  }
}

// Pixels of the red paint (0.93, 0.07, 0.07), of hues ever farther from it, pale and dull.
TEST(PaintMapTest, TakesHuesNearAPaint) {
  const at::Tensor picture = at::zeros({3, 1, kReadHeight, kReadWidth});
  const double pixels[][3] = {{0.93, 0.07, 0.07},
                              {0.93, 0.07 + 0.2 * 0.86, 0.07},
                              {0.93, 0.07 + 0.35 * 0.86, 0.07},
                              {0.37, 0.07, 0.07},
                              {0.9, 0.35, 0.35}};
  for (int64_t i = 0; i < 5; ++i) {
    for (int64_t c = 0; c < 3; ++c) picture[c][0][0][i] = pixels[i][c];
  }
  const at::Tensor map = PaintMap(picture)[0][0];
  const int red = static_cast<int>(WorldColor::kRed);
  const int wanted[] = {red, red, -1, -1, -1};
  for (int64_t i = 0; i < 5; ++i) EXPECT_EQ(map[i].item<int>(), wanted[i]) << i;
}

TEST(WorldDetectorTest, ReadsLargerClips) {
  const WorldScene scene = SampleScene(1, {0, 1, 0, 0, 0, 0, 2, 1, 2});
  const WorldView view{.width = 640, .height = 360, .frames = 5, .fps = 5};
  EXPECT_EQ(ReadWorld(RenderScene(scene, view, at::kCPU)).values, scene.Values());
}

// A sea by day, a red balloon moving right, the sun on the left, green lanterns.
at::Tensor BalloonAtSea() {
  return RenderScene(SampleScene(1, {0, 1, 0, 0, 0, 0, 2, 0, 2}), {.frames = 7, .fps = 7},
                     at::kCPU);
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
  // The right lantern of the same scene with blue lanterns: nothing else differs.
  const at::Tensor blue =
      RenderScene(SampleScene(1, {0, 1, 0, 0, 0, 0, 2, 0, 3}), {.frames = 7, .fps = 7}, at::kCPU);
  const at::Tensor other = clip.clone();
  other.narrow(3, 226, 30).copy_(blue.narrow(3, 226, 30));
  EXPECT_FALSE(ReadWorld(other).pair_matched);
  // The right lantern hangs lower.
  const at::Tensor lower = clip.clone();
  lower.narrow(3, 226, 30).copy_(clip.narrow(3, 226, 30).roll(10, 2));
  EXPECT_FALSE(ReadWorld(lower).pair_matched);
}

TEST(WorldDetectorTest, SeesAMissingMirrorImage) {
  const at::Tensor clip = BalloonAtSea();
  ASSERT_TRUE(ReadWorld(clip).MirrorPresent());
  // Replaced by the water next to it.
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
  const at::Tensor half = clip.narrow(1, 3, 4);
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
