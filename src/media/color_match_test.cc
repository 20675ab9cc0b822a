// Against the definition, and what it is for.
#include "media/color_match.h"

#include <gtest/gtest.h>

#include <random>

#include "media/testing/color_match_reference.h"
#include "media/testing/frames.h"

namespace t3 {
namespace {

TestFrame Noise(int64_t width, int64_t height, unsigned seed) {
  TestFrame frame(width, height);
  std::mt19937 random(seed);
  for (float& sample : frame.samples) sample = std::uniform_real_distribution(-1.f, 1.f)(random);
  return frame;
}

std::vector<double> Plane(const TestFrame& frame, int64_t plane) {
  const auto first = frame.samples.begin() + plane * frame.width * frame.height;
  return {first, first + frame.width * frame.height};
}

void Match(const ColorMatch& match, const TestFrame& source, TestFrame& frame, int threads) {
  std::vector<float> cells(static_cast<size_t>(3 * match.rows() * match.columns()));
  match.Difference(source.samples.data(), frame.samples.data(), cells.data(), threads);
  match.Add(cells.data(), frame.samples.data(), threads);
}

TEST(ColorMatch, IsItsDefinition) {
  for (const auto& [width, height] : {std::pair<int64_t, int64_t>{1, 1},
                                      {5, 3},
                                      {47, 48},
                                      {200, 37},
                                      {131, 257},
                                      {32, 320},
                                      {640, 95}}) {
    const TestFrame source = Noise(width, height, 1);
    TestFrame frame = Noise(width, height, 2);
    const TestFrame before = frame;
    Match(ColorMatch(width, height), source, frame, 3);
    for (int64_t c = 0; c < 3; ++c) {
      const auto low = ReferenceLowPass(Plane(before, c), width, height);
      const auto wanted = ReferenceLowPass(Plane(source, c), width, height);
      const auto pixels = Plane(before, c), matched = Plane(frame, c);
      for (size_t i = 0; i < pixels.size(); ++i) {
        ASSERT_NEAR(matched[i], pixels[i] - low[i] + wanted[i], 2e-6)
            << width << "x" << height << " plane " << c << " pixel " << i;
      }
    }
  }
}

TEST(ColorMatch, TakesTheSourcesColourUpToTheEdges) {
  const TestFrame source = FlatFrame(100, 70, .5f, -.25f, .9f);
  TestFrame frame = FlatFrame(100, 70, -.5f, .25f, 1.f);
  Match(ColorMatch(100, 70), source, frame, 1);
  EXPECT_LT(LargestDifference(frame.samples, source.samples), 1e-6);
}

TEST(ColorMatch, KeepsDetail) {
  TestFrame source = FlatFrame(256, 256, 0, 0, 0), frame = source;
  for (int64_t i = 0; i < 3 * 256 * 256; ++i) {  // a checkerboard of 4 pixels
    frame.samples[i] = ((i / 4) % 2 == (i / 1024) % 2) ? .5f : -.5f;
  }
  const TestFrame before = frame;
  Match(ColorMatch(256, 256), source, frame, 1);
  EXPECT_LT(LargestDifference(frame.samples, before.samples), 1e-6);
}

TEST(ColorMatch, DoesNotDependOnThreads) {
  const TestFrame source = Noise(333, 222, 3);
  TestFrame one = Noise(333, 222, 4), many = one;
  Match(ColorMatch(333, 222), source, one, 1);
  Match(ColorMatch(333, 222), source, many, 7);
  EXPECT_EQ(one.samples, many.samples);
}

}  // namespace
}  // namespace t3
