// Colours over time, of files and of drafts.
#include "pipeline/clip_colors.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <utility>

namespace t3 {
namespace {

// Gray frames of one value each.
class GrayClip : public SourceClip {
 public:
  GrayClip(std::vector<float> values, bool generated)
      : SourceClip(40, 32), values_(std::move(values)), generated_(generated) {}
  std::unique_ptr<SourceReader> Read() const override { return std::make_unique<Reader>(*this); }
  int64_t source_width() const override { return width(); }
  int64_t source_height() const override { return height(); }
  bool generated() const override { return generated_; }

 private:
  class Reader : public SourceReader {
   public:
    explicit Reader(const GrayClip& clip) : clip_(clip) {}
    bool Next(const at::Tensor& frame) override {
      if (next_ == clip_.values_.size()) return false;
      frame.fill_(clip_.values_[next_++]);
      return true;
    }

   private:
    const GrayClip& clip_;
    size_t next_ = 0;
  };

  std::vector<float> values_;
  bool generated_;
};

// Frames of 0 with the colours of a clip of `values`.
std::vector<float> Matched(const std::vector<float>& values, bool generated) {
  const GrayClip clip(values, generated);
  VideoGeometry geometry;
  geometry.width = 40;
  geometry.height = 32;
  ClipColors colors(&clip, geometry, at::kCPU);
  std::vector<float> matched;
  for (size_t i = 0; i < values.size(); ++i) {
    const at::Tensor frame = colors.Match(at::zeros({3, 32, 40}));
    EXPECT_LT((frame - frame[0][0][0]).abs().max().item<float>(), 1e-6);
    matched.push_back(frame[0][0][0].item<float>());
  }
  return matched;
}

TEST(ClipColors, EveryFrameHasTheBrightnessOfAFile) {
  const std::vector<float> values{0.5, -0.25, 0.5, 0.75};
  const std::vector<float> matched = Matched(values, /*generated=*/false);
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(matched[i], values[i], 1e-6);
}

TEST(ClipColors, ADraftsJumpsAreAveraged) {
  const std::vector<float> matched = Matched({0.5, 0.9, 0.5}, /*generated=*/true);
  EXPECT_NEAR(matched[0], 0.5, 1e-6);
  EXPECT_NEAR(matched[1], (0.6 + 0.9) / 2, 1e-6);
  EXPECT_NEAR(matched[2], (0.575 + 0.5) / 2, 1e-6);
}

TEST(ClipColors, WithoutAClipFramesStay) {
  ClipColors colors(nullptr, {}, at::kCPU);
  const at::Tensor frame = at::rand({3, 4, 5});
  EXPECT_TRUE(colors.Match(frame).is_same(frame));
}

}  // namespace
}  // namespace t3
