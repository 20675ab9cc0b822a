// The world: the same everywhere, at every size, and said in full by its captions.
#include "world/world.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "t3video/error.h"

namespace t3 {
namespace {

WorldView SmallView() {
  WorldView view;
  view.width = 96;
  view.height = 64;
  view.frames = 3;
  return view;
}

at::Tensor Render(uint64_t seed, const WorldView& view) {
  return RenderScene(SampleScene(seed), view, at::kCPU);
}

double MeanGap(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().mean().item<double>();
}

TEST(World, ClipsAreDeterministicAndInRange) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const at::Tensor clip = Render(seed, SmallView());
    EXPECT_EQ(clip.sizes(), (std::vector<int64_t>{3, 3, 64, 96}));
    EXPECT_TRUE(at::equal(clip, Render(seed, SmallView())));
    EXPECT_TRUE(clip.isfinite().all().item<bool>());
    EXPECT_LE(clip.abs().max().item<double>(), 1.0);
    EXPECT_GT(clip.std().item<double>(), 0.05);  // a picture, not one colour
  }
  EXPECT_GT(MeanGap(Render(1, SmallView()), Render(2, SmallView())), 0.05);
}

TEST(World, ACropIsThatPartOfThePicture) {
  for (uint64_t seed = 0; seed < 4; ++seed) {
    WorldView view = SmallView();
    const at::Tensor whole = Render(seed, view);
    view.crop = WorldCrop{24, 17, 40, 33};
    const at::Tensor part = whole.narrow(2, 17, 33).narrow(3, 24, 40);
    EXPECT_LT((Render(seed, view) - part).abs().max().item<double>(), 1e-4) << seed;
  }
}

// Twice the size brought back to the size is the same picture: what differs is texture that the
// smaller one is too coarse for.
TEST(World, ALargerPictureIsTheSamePicture) {
  for (uint64_t seed = 0; seed < 4; ++seed) {
    const at::Tensor small = Render(seed, SmallView());
    WorldView view = SmallView();
    view.width *= 2;
    view.height *= 2;
    const at::Tensor large = at::avg_pool2d(Render(seed, view).flatten(0, 1), 2).view_as(small);
    EXPECT_LT(MeanGap(large, small), 0.05) << seed;
  }
}

TEST(World, ScenesRenderTogetherAsAlone) {
  const std::vector<WorldScene> scenes{SampleScene(3), SampleScene(4), SampleScene(5)};
  const at::Tensor together = RenderScenes(scenes, SmallView(), at::kCPU);
  for (int64_t i = 0; i < 3; ++i) {
    const at::Tensor alone = RenderScene(scenes[static_cast<size_t>(i)], SmallView(), at::kCPU);
    EXPECT_LT((together[i] - alone).abs().max().item<double>(), 1e-4);
  }
}

TEST(World, WhatMovesMovesAndWhatIsStillStays) {
  WorldValues values = SampleScene(0).Values();
  values[static_cast<size_t>(WorldAttribute::kObject)] = static_cast<int>(WorldObject::kBalloon);
  values[static_cast<size_t>(WorldAttribute::kCamera)] = static_cast<int>(WorldCamera::kStill);
  const auto change = [&](WorldMotion motion) {
    values[static_cast<size_t>(WorldAttribute::kMotion)] = static_cast<int>(motion);
    const at::Tensor clip = RenderScene(SampleScene(7, values), SmallView(), at::kCPU);
    return MeanGap(clip.select(1, 0), clip.select(1, 2));
  };
  EXPECT_GT(change(WorldMotion::kRight), 1.5 * change(WorldMotion::kStill));
}

TEST(World, CaptionsDifferWhereAttributesDo) {
  // Nine attributes, each changed alone: the caption has to change with every one.
  const WorldScene scene = SampleScene(11);
  for (int i = 0; i < kWorldAttributes; ++i) {
    const auto attribute = static_cast<WorldAttribute>(i);
    std::set<std::string> captions;
    size_t valid = 0;
    for (int value = 0; value < std::ssize(WorldValueNames(attribute)); ++value) {
      WorldValues values = scene.Values();
      values[static_cast<size_t>(WorldAttribute::kObject)] =
          static_cast<int>(WorldObject::kBalloon);
      values[static_cast<size_t>(i)] = value;
      try {
        captions.insert(Caption(SampleScene(11, values)));
        ++valid;
      } catch (const Error&) {  // a car at sea, a boat on land
        EXPECT_EQ(attribute, WorldAttribute::kObject);
      }
    }
    EXPECT_EQ(captions.size(), valid) << WorldAttributeName(attribute);
    EXPECT_GE(valid, 2u);
  }
}

TEST(World, WrongViewsAreNamed) {
  WorldView view = SmallView();
  view.width = 8;
  EXPECT_THROW(Render(1, view), Error);
  view = SmallView();
  view.frames = 0;
  EXPECT_THROW(Render(1, view), Error);
  view = SmallView();
  view.crop = WorldCrop{90, 0, 20, 20};
  EXPECT_THROW(Render(1, view), Error);
  WorldValues values = SampleScene(0).Values();
  values[static_cast<size_t>(WorldAttribute::kLand)] = static_cast<int>(WorldLand::kDesert);
  values[static_cast<size_t>(WorldAttribute::kObject)] = static_cast<int>(WorldObject::kBoat);
  EXPECT_THROW(SampleScene(1, values), Error);
}

}  // namespace
}  // namespace t3
