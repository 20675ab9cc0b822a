// The world: scenes, captions, and pictures that are the same at every size, crop and batch.
#include "world/world.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <sstream>
#include <vector>

#include "t3video/error.h"

namespace t3 {
namespace {

using testing::HasSubstr;

at::Tensor OnCpu(const WorldScene& scene, const WorldView& view = {}) {
  return RenderScene(scene, view, at::kCPU);
}

double Difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// The first seeds with each land, and with both kinds of sky and the zoom among them.
std::vector<WorldScene> VariedScenes() {
  return {SampleScene(1, {0, 2, 1, 0, 3, 0, 2, 1, 1}), SampleScene(2, {1, 1, 1, 1, 0, 1, 1, 2, 2}),
          SampleScene(3, {2, 3, 0, 0, 1, 4, 0, 3, 3}), SampleScene(4, {3, 0, 0, 1, 4, 3, 2, 0, 4})};
}

TEST(ObjectCoverTest, IsWhereThePictureHasTheObjectsColour) {
  // Two colours of one scene differ where the object is, in its mirror image, and nowhere else.
  WorldScene scene = SampleScene(5, {0, 1, 0, 0, 0, 0, 2, 0, 0}), other = scene;
  other.color = WorldColor::kBlue;
  const WorldView view{.width = 128, .height = 72, .frames = 5};
  const at::Tensor changed = (OnCpu(scene, view) - OnCpu(other, view)).abs().amax(0) > 1e-6;
  const at::Tensor cover = ObjectCover(std::vector<WorldScene>{scene}, view, at::kCPU)[0] > 0;
  const int64_t sky = 36;  // rows above the horizon
  EXPECT_GT(cover.sum().item<int64_t>(), 500);
  EXPECT_EQ((changed & ~cover).narrow(1, 0, sky).sum().item<int64_t>(), 0);
  // Wicker and ropes have the colour of no object.
  EXPECT_GT((changed & cover).sum().item<double>(), 0.8 * cover.sum().item<double>());
  EXPECT_FALSE(cover[0].equal(cover[4])) << "the object moves";
}

TEST(ObjectCoverTest, IsDrawnAtAnySize) {
  const std::vector<WorldScene> scenes = VariedScenes();
  const at::Tensor cover = ObjectCover(scenes, {.width = 8, .height = 4, .frames = 1}, at::kCPU);
  EXPECT_EQ(cover.sizes(), at::IntArrayRef({4, 1, 4, 8}));
  for (const at::Tensor& one : cover.unbind()) EXPECT_GT(one.max().item<double>(), 0);
}

TEST(SampleSceneTest, IsTheSeedsAlone) {
  EXPECT_EQ(SampleScene(7).Values(), SampleScene(7).Values());
  EXPECT_EQ(SampleScene(7).sun_x, SampleScene(7).sun_x);
  EXPECT_NE(SampleScene(7).sun_x, SampleScene(8).sun_x);
}

TEST(SampleSceneTest, DrawsAttributesUniformlyAndApart) {
  constexpr int kScenes = 8000;
  // For two attributes at a time, the counts of pairs of values.
  std::vector<WorldValues> all;
  for (uint64_t seed = 0; seed < kScenes; ++seed) all.push_back(SampleScene(seed).Values());
  const auto count = [](int i) {
    return static_cast<int>(WorldValueNames(static_cast<WorldAttribute>(i)).size());
  };
  constexpr int kObjectIndex = static_cast<int>(WorldAttribute::kObject);
  for (int i = 0; i < kWorldAttributes; ++i) {
    for (int j = 0; j < i; ++j) {
      if (i == kObjectIndex || j == kObjectIndex) continue;  // depends on the land
      std::vector<int> pairs(static_cast<size_t>(count(i) * count(j)));
      for (const WorldValues& values : all) {
        ++pairs[static_cast<size_t>(values[static_cast<size_t>(i)] * count(j) +
                                    values[static_cast<size_t>(j)])];
      }
      const double p = 1.0 / static_cast<double>(pairs.size());
      // Five standard deviations: one failure in a million for 600 counts is 5.
      const double allowed = 5 * std::sqrt(kScenes * p * (1 - p));
      for (const int pair : pairs) EXPECT_NEAR(pair, kScenes * p, allowed) << i << " " << j;
    }
  }
}

TEST(SampleSceneTest, RefusesWhatDoesNotFit) {
  EXPECT_THROW(SampleScene(1, {0, 0, 0, 0, 4, 0, 0, 0, 0}), Error);  // a car at sea
  EXPECT_THROW(SampleScene(1, {1, 0, 0, 0, 3, 0, 0, 0, 0}), Error);  // a boat in the mountains
  EXPECT_THROW(SampleScene(1, {4, 0, 0, 0, 0, 0, 0, 0, 0}), Error);
}

TEST(CaptionTest, ChangesWithEveryAttributeInEveryPhrasing) {
  const WorldValues base{1, 1, 0, 0, 0, 0, 0, 0, 1};
  for (uint64_t variant = 0; variant < kCaptionVariants; ++variant) {
    std::set<std::string> captions{Caption(SampleScene(1, base), variant)};
    size_t made = 1;
    for (int i = 0; i < kWorldAttributes; ++i) {
      const auto names = WorldValueNames(static_cast<WorldAttribute>(i));
      for (int value = 0; value < static_cast<int>(names.size()); ++value) {
        WorldValues changed = base;
        changed[static_cast<size_t>(i)] = value;
        if (changed == base || changed[4] == static_cast<int>(WorldObject::kBoat)) continue;
        if (changed[0] == static_cast<int>(WorldLand::kSea)) changed[4] = 2;
        captions.insert(Caption(SampleScene(1, changed), variant));
        ++made;
      }
    }
    EXPECT_EQ(captions.size(), made) << "phrasing " << variant;
  }
}

TEST(CaptionTest, CanBeReadBack) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const WorldScene scene = SampleScene(seed);
    const std::string caption = Caption(scene, seed % kCaptionVariants);
    ASSERT_EQ(ReadCaption(caption), scene.Values()) << caption;
  }
  EXPECT_FALSE(ReadCaption("A leopard rests near a tree."));
  EXPECT_FALSE(ReadCaption(""));
  EXPECT_FALSE(
      ReadCaption("The sea at dawn. A clear sky with the sun on the left. Between two red "
                  "lanterns a blue boat stays still."));
}

TEST(CaptionTest, UsesFewWords) {
  std::set<std::string> words;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    std::istringstream text(Caption(SampleScene(seed), seed));
    for (std::string word; text >> word;) words.insert(word);
  }
  EXPECT_LT(words.size(), 130u);  // with and without commas
  EXPECT_THAT(Caption(SampleScene(1, {0, 3, 1, 0, 3, 0, 1, 3, 4})),
              "A red boat moves to the left in the sea at night, cloudy sky, the moon on the left, "
              "two pink lanterns, the camera zooms in.");
}

TEST(RenderSceneTest, IsDeterministicAndInRange) {
  for (const WorldScene& scene : VariedScenes()) {
    const at::Tensor clip = OnCpu(scene, {.frames = 3});
    EXPECT_TRUE(clip.equal(OnCpu(scene, {.frames = 3})));
    EXPECT_LE(clip.abs().max().item<float>(), 1);
    EXPECT_FALSE(clip.isnan().any().item<bool>());
    EXPECT_EQ(clip.sizes(), (at::IntArrayRef{3, 3, 144, 256}));
  }
}

TEST(RenderSceneTest, CropIsThatPartOfThePicture) {
  const WorldView whole{.width = 640, .height = 360, .frames = 2};
  for (const WorldScene& scene : VariedScenes()) {
    const at::Tensor picture = OnCpu(scene, whole);
    for (const WorldCrop& crop : {WorldCrop{0, 0, 97, 51}, WorldCrop{211, 173, 130, 95},
                                  WorldCrop{543, 300, 97, 60}, WorldCrop{1, 190, 639, 16}}) {
      WorldView part = whole;
      part.crop = crop;
      const at::Tensor expected =
          picture.narrow(2, crop.y, crop.height).narrow(3, crop.x, crop.width);
      // Only exp, sin and the like differ, in their last bit, by a pixel's place in a row.
      EXPECT_LE(Difference(OnCpu(scene, part), expected), 2e-6)
          << static_cast<int>(scene.land) << " at " << crop.x << " " << crop.y;
    }
  }
}

TEST(RenderSceneTest, RangeIsThosePicturesOfTheClip) {
  const WorldScene scene = VariedScenes()[0];
  const at::Tensor clip = OnCpu(scene);
  const at::Tensor part = OnCpu(scene, {.range = WorldFrames{5, 4}});
  EXPECT_LE(Difference(part, clip.narrow(1, 5, 4)), 2e-6);
}

TEST(RenderSceneTest, BatchIsTheSameAsOneByOne) {
  const std::vector<WorldScene> scenes{SampleScene(11), SampleScene(12), SampleScene(13),
                                       SampleScene(14), SampleScene(15), SampleScene(16)};
  const WorldView view{.width = 96, .height = 54, .frames = 3};
  const at::Tensor batch = RenderScenes(scenes, view, at::kCPU);
  for (size_t i = 0; i < scenes.size(); ++i) {
    EXPECT_LE(Difference(batch[static_cast<int64_t>(i)], OnCpu(scenes[i], view)), 2e-6) << i;
  }
}

// A larger picture is the same one: averaged down it is nearer to the small picture than a picture
// that lies half a pixel beside it.
TEST(RenderSceneTest, LargerPictureIsTheSameOne) {
  for (const WorldScene& scene : VariedScenes()) {
    const at::Tensor small = OnCpu(scene, {.frames = 1});
    const at::Tensor large = OnCpu(scene, {.width = 512, .height = 288, .frames = 1});
    const at::Tensor down = at::avg_pool2d(large.transpose(0, 1), 2).transpose(0, 1);
    const at::Tensor beside =
        at::avg_pool2d(at::roll(large, {1}, {3}).transpose(0, 1), 2).transpose(0, 1);
    const double same = (down - small).abs().mean().item<double>();
    EXPECT_LT(same, (beside - small).abs().mean().item<double>()) << static_cast<int>(scene.land);
    EXPECT_LT(same, 0.04) << static_cast<int>(scene.land);  // of a range of 2
  }
}

// Finest differences of a part in 4K against those of an enlargement of the same part.
TEST(RenderSceneTest, LargePicturesHaveDetailThatEnlargementsLack) {
  for (const WorldScene& scene : VariedScenes()) {
    const WorldView large{
        .width = 3840, .height = 2160, .frames = 1, .crop = WorldCrop{1440, 1280, 480, 270}};
    const WorldView small{
        .width = 960, .height = 540, .frames = 1, .crop = WorldCrop{360, 320, 120, 68}};
    const auto rough = [](const at::Tensor& x) {
      return (x.diff(1, 3)).diff(1, 2).square().mean().item<double>();
    };
    const at::Tensor enlarged = at::upsample_bicubic2d(OnCpu(scene, small).transpose(0, 1),
                                                       at::IntArrayRef{272, 480}, false);
    EXPECT_GT(rough(OnCpu(scene, large)), 4 * rough(enlarged)) << static_cast<int>(scene.land);
  }
}

TEST(RenderSceneTest, ObjectMovesEvenlyAndPicturesChangeLittle) {
  for (const WorldScene& scene : VariedScenes()) {
    const at::Tensor clip = OnCpu(scene, {.frames = 17});
    const at::Tensor steps = clip.diff(1, 1).abs().mean({0, 2, 3});
    // No cut: each step changes about as much as the others.
    EXPECT_LT(steps.max().item<double>(), 3 * steps.mean().item<double>() + 1e-3);
  }
}

TEST(RenderSceneTest, RefusesWhatIsNoView) {
  const WorldScene scene = SampleScene(1);
  EXPECT_THROW(OnCpu(scene, {.width = 8}), Error);
  EXPECT_THROW(OnCpu(scene, {.frames = 0}), Error);
  EXPECT_THROW(OnCpu(scene, {.crop = WorldCrop{200, 0, 57, 10}}), Error);
  EXPECT_THROW(OnCpu(scene, {.range = WorldFrames{16, 2}}), Error);
}

}  // namespace
}  // namespace t3
