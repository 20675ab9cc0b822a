// Random crops: where they come from, and that a step's are always the same.
#include "training/vae/crops.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

#include "t3video/error.h"

namespace t3 {
namespace {

// Every value names its place: 10000 f + 100 y + x in each channel.
at::Tensor PlacedClip(int64_t frames, int64_t height, int64_t width) {
  return (at::arange(frames).view({1, frames, 1, 1}) * 10000 +
          at::arange(height).view({1, 1, height, 1}) * 100 + at::arange(width))
      .expand({3, frames, height, width})
      .to(at::kFloat);
}

TEST(CropBatchTest, CutsContiguousPartsWithinTheClip) {
  const CropOptions options{.width = 8, .height = 16, .frames = 5};
  std::set<int64_t> lefts, begins;
  for (int64_t step = 0; step < 200; ++step) {
    const at::Tensor batch =
        CropBatch({PlacedClip(7, 20, 11), PlacedClip(5, 16, 8)}, options, 3, step);
    ASSERT_EQ(batch.sizes(), (at::IntArrayRef{2, 3, 5, 16, 8}));
    const int64_t corner = batch[0][0][0][0][0].item<int64_t>();
    begins.insert(corner / 10000);
    lefts.insert(corner % 100);
    EXPECT_TRUE((batch[0] - corner).equal(PlacedClip(5, 16, 8)));
    EXPECT_TRUE(batch[1].equal(PlacedClip(5, 16, 8)));
  }
  // 200 draws miss one of four places with probability below 1e-24.
  EXPECT_EQ(begins, (std::set<int64_t>{0, 1, 2}));
  EXPECT_EQ(lefts, (std::set<int64_t>{0, 1, 2, 3}));
}

TEST(CropBatchTest, IsAFunctionOfSeedAndStep) {
  const std::vector<at::Tensor> clips{PlacedClip(30, 60, 60)};
  const CropOptions options{.width = 8, .height = 8, .frames = 1};
  EXPECT_TRUE(CropBatch(clips, options, 1, 2).equal(CropBatch(clips, options, 1, 2)));
  EXPECT_FALSE(CropBatch(clips, options, 1, 2).equal(CropBatch(clips, options, 1, 3)));
  EXPECT_FALSE(CropBatch(clips, options, 1, 2).equal(CropBatch(clips, options, 2, 2)));
}

TEST(CropBatchTest, ImageBatchesComeAtTheirShare) {
  const CropOptions options{.width = 8, .height = 8, .frames = 5, .image_share = 0.25};
  int64_t images = 0;
  for (int64_t step = 0; step < 2000; ++step) {
    const bool image = IsImageBatch(options, 9, step);
    images += image ? 1 : 0;
    if (step < 50) {
      EXPECT_EQ(CropBatch({PlacedClip(6, 8, 8)}, options, 9, step).size(2), image ? 1 : 5);
    }
  }
  EXPECT_NEAR(static_cast<double>(images), 500, 5 * 19.4);  // five standard deviations
}

TEST(CropBatchTest, RefusesClipsThatAreTooSmall) {
  const CropOptions options{.width = 8, .height = 8, .frames = 5};
  EXPECT_THROW(CropBatch({PlacedClip(4, 8, 8)}, options, 0, 0), Error);
  EXPECT_THROW(CropBatch({PlacedClip(5, 7, 8)}, options, 0, 0), Error);
  EXPECT_THROW(CropBatch({}, options, 0, 0), Error);
}

}  // namespace
}  // namespace t3
