// Batches of the world for a VAE.
#include "training/vae/world_clips.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/check.h"

namespace t3 {
namespace {

const char* const kTwoKinds = R"({
  "batches": [
    {"size": "32x16", "frames": 5, "clips": 2, "turns": 2, "ahead": 3},
    {"size": "100x50", "crop": "24x16", "frames": 1}
  ],
  "measured": {"size": "32x16", "frames": 5, "clips": 2},
  "held_out": [{"size": "32x16", "frames": 1, "clips": 2}]
})";

WorldClips MakeClips(int64_t seed) {
  const JsonFields fields(nlohmann::json::parse(kTwoKinds), "test");
  return {TakeWorldClips(fields, 4), seed, 1, at::kCPU};
}

std::string ParseError(const char* change) {
  nlohmann::json document = nlohmann::json::parse(kTwoKinds);
  document.merge_patch(nlohmann::json::parse(change));
  try {
    CheckStride(TakeWorldClips(JsonFields(document, "test"), 4), 8);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(WorldClips, TakeKindsInTurn) {
  WorldClips clips = MakeClips(1);
  std::vector<at::IntArrayRef> sizes;
  for (int64_t step = 0; step < 6; ++step) {
    const ClipBatch batch = clips.Get(step, 0);
    const bool crop = step % 3 == 1;
    EXPECT_EQ(batch.video.sizes(),
              crop ? at::IntArrayRef({4, 3, 1, 16, 24}) : at::IntArrayRef({2, 3, 5, 16, 32}))
        << step;
    EXPECT_EQ(static_cast<int64_t>(batch.items.size()), batch.video.size(0));
  }
}

// What a resumed run sees is what the uninterrupted one saw.
TEST(WorldClips, DependOnSeedAndStepAlone) {
  WorldClips straight = MakeClips(1), resumed = MakeClips(1), other = MakeClips(2);
  at::Tensor before;
  for (int64_t step = 0; step < 9; ++step) {
    const ClipBatch batch = straight.Get(step, 0);
    if (before.defined() && before.sizes() == batch.video.sizes()) {
      EXPECT_FALSE(at::equal(before, batch.video));
    }
    before = batch.video;
  }
  EXPECT_TRUE(at::equal(before, resumed.Get(8, 0).video));
  EXPECT_EQ(straight.Get(8, 0).items, resumed.Get(8, 0).items);
  EXPECT_FALSE(at::equal(before, other.Get(8, 0).video));
}

TEST(WorldClips, CropsAreNearAnObjectOnRequest) {
  nlohmann::json document = nlohmann::json::parse(kTwoKinds);
  document["batches"] = nlohmann::json::parse(
      R"([{"size": "320x180", "crop": "16x16", "frames": 1, "clips": 1, "near_object": true}])");
  WorldClips clips(TakeWorldClips(JsonFields(document, "test"), 4), 1, 1, at::kCPU);
  // A patch with an edge of the object, or within it, has a colour of objects: a saturated one.
  int saturated = 0;
  for (int64_t step = 0; step < 40; ++step) {
    const at::Tensor video = clips.Get(step, 0).video;
    const at::Tensor spread = video.amax(1) - video.amin(1);
    saturated += spread.max().item<double>() > 0.9;
  }
  EXPECT_GE(saturated, 34);
}

TEST(WorldClips, HaveHeldOutAndMeasuredClips) {
  const WorldClips clips = MakeClips(1);
  ASSERT_EQ(clips.HeldOut().size(), 1u);
  EXPECT_EQ(clips.HeldOut()[0].name, "32x16x1");
  EXPECT_EQ(clips.HeldOut()[0].clip(1).sizes(), at::IntArrayRef({3, 1, 16, 32}));
  EXPECT_EQ(clips.Measured().clip(0).sizes(), at::IntArrayRef({3, 5, 16, 32}));
}

TEST(WorldClips, RefuseFieldsThatMakeNoSense) {
  EXPECT_EQ(ParseError("{}"), "");
  EXPECT_NE(ParseError(R"({"batches": []})").find("\"batches\""), std::string::npos);
  EXPECT_NE(ParseError(R"({"batches": [{"size": "33x16"}]})").find("multiples of 8"),
            std::string::npos);
  EXPECT_NE(ParseError(R"({"batches": [{"size": "32x16", "crop": "64x16"}]})").find("larger"),
            std::string::npos);
  EXPECT_NE(ParseError(R"({"batches": [{"size": "32x16", "near_object": true}]})").find("crop"),
            std::string::npos);
  EXPECT_NE(ParseError(R"({"batches": [{"size": "32x16", "frames": 4}]})").find("4n + 1"),
            std::string::npos);
  EXPECT_NE(ParseError(R"({"measured": null})").find("\"measured\""), std::string::npos);
}

}  // namespace
}  // namespace t3
