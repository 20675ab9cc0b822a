// Every metric of one clip against other people's code (tools/oracle_score.py).
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "score/testing/published_metrics.h"
#include "score/testing/test_clip.h"
#include "t3video/error.h"

namespace t3 {
namespace {

using testing::ScoreTestClip;
using testing::TestClip;

constexpr int64_t kFrames = 4;
constexpr TestClip kClip{.width = 230, .height = 210};

const MetricGroup& Group(std::string_view name) {
  for (const auto groups : {FrameMetricGroups(), ReferenceMetricGroups()}) {
    for (const MetricGroup& group : groups) {
      if (group.name == name) return group;
    }
  }
  throw Error("no such group");
}

// Relative.
void ExpectAsPublished(const MetricValues& values, double tolerance,
                       const std::string& prefix = "") {
  const nlohmann::json expected = testing::PublishedMetrics()["values"];
  EXPECT_FALSE(values.empty());
  for (const auto& [name, value] : values) {
    const double wanted = expected.at(prefix + std::string(name));
    EXPECT_NEAR(value, wanted, tolerance * std::abs(wanted)) << name;
  }
}

TEST(FrameMetrics, EqualOtherImplementations) {
  for (const char* name : {"detail", "blur", "si_ti", "grid", "flicker", "color"})
    ExpectAsPublished(ScoreTestClip(Group(name), kClip, kFrames), 1e-4);
}

// fp32 filters on both sides; a shape moves by 0.001.
TEST(FrameMetrics, NiqeEqualsScikitVideo) {
  ExpectAsPublished(ScoreTestClip(Group("niqe"), kClip, kFrames), 2e-3);
  TestClip noisy = kClip;
  noisy.noise = 12;
  ExpectAsPublished(ScoreTestClip(Group("niqe"), noisy, kFrames), 2e-3, "noisy_");
}

TEST(FrameMetrics, FullReferenceEqualsOtherImplementations) {
  TestClip noisy = kClip;
  noisy.noise = 12;
  for (const char* name : {"psnr", "ssim"})
    ExpectAsPublished(ScoreTestClip(Group(name), noisy, kFrames, &kClip), 1e-5);
  const MetricValues equal = ScoreTestClip(Group("psnr"), kClip, 2, &kClip);
  EXPECT_EQ(equal[0].second, 100);
  EXPECT_NEAR(ScoreTestClip(Group("ssim"), kClip, 1, &kClip)[0].second, 1, 1e-6);
}

TEST(FrameMetrics, SmallClipsAreNamed) {
  constexpr TestClip kSmall{.width = 230, .height = 100};
  try {
    ScoreTestClip(Group("niqe"), kSmall, 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_STREQ(error.what(), "niqe needs at least 193 pixels a side; the clip has 230x100");
  }
}

// Each name once, a source each, and every group's values under its name.
TEST(FrameMetrics, TheTableIsConsistent) {
  std::set<std::string_view> names;
  for (const auto groups : {FrameMetricGroups(), ReferenceMetricGroups()}) {
    for (const MetricGroup& group : groups) {
      for (const ScoreMetric& metric : group.metrics) {
        EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
        EXPECT_EQ(metric.group, group.name);
        EXPECT_FALSE(metric.source.empty());
      }
    }
  }
}

}  // namespace
}  // namespace t3
