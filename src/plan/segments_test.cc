// Segments of long clips.
#include "plan/segments.h"

#include <gmock/gmock.h>

namespace t3 {
namespace {

TEST(ClipSegments, AClipOfTheModelsLengthIsOneSegment) {
  EXPECT_EQ(PlanSegments(21, 21, 5), (std::vector<ClipSegment>{{0, 21}}));
  EXPECT_EQ(PlanSegments(7, 21, 5), (std::vector<ClipSegment>{{0, 7}}));
  EXPECT_THAT(SegmentWeights({{0, 3}}, 0), testing::ElementsAre(1, 1, 1));
}

TEST(ClipSegments, CoverTheClipAndShareTheOverlap) {
  for (const int64_t overlap : {0, 1, 5, 20}) {
    for (int64_t frames = 22; frames < 120; ++frames) {
      const std::vector<ClipSegment> segments = PlanSegments(frames, 21, overlap);
      EXPECT_EQ(segments.front().begin, 0);
      EXPECT_EQ(segments.back().end(), frames);
      for (size_t i = 1; i < segments.size(); ++i) {
        EXPECT_GT(segments[i].begin, segments[i - 1].begin) << frames;
        EXPECT_GE(segments[i - 1].end() - segments[i].begin, overlap) << frames;
      }
    }
  }
}

TEST(ClipSegments, WeightsAddUpToOneAndFallTowardsInnerEnds) {
  for (int64_t frames = 22; frames < 90; ++frames) {
    const std::vector<ClipSegment> segments = PlanSegments(frames, 21, 5);
    std::vector<double> sums(static_cast<size_t>(frames));
    for (size_t k = 0; k < segments.size(); ++k) {
      const std::vector<float> weights = SegmentWeights(segments, k);
      for (size_t i = 0; i < weights.size(); ++i) {
        EXPECT_GT(weights[i], 0);
        sums[static_cast<size_t>(segments[k].begin) + i] += weights[i];
      }
    }
    for (const double sum : sums) EXPECT_NEAR(sum, 1, 1e-6);
  }
  EXPECT_THAT(SegmentWeights({{0, 4}, {2, 4}}, 0),
              testing::ElementsAre(1, 1, testing::FloatEq(2.F / 3), testing::FloatEq(1.F / 3)));
}

}  // namespace
}  // namespace t3
