// A textured clip made of integers, the same here and in tools/oracle_score.py.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "score/metric.h"
#include "score/plane.h"

namespace t3::testing {

inline uint32_t TestHash(uint32_t x, uint32_t y, uint32_t channel, uint32_t seed) {
  uint32_t h = (x * 0x9E3779B1U) ^ (y * 0x85EBCA6BU) ^ (channel * 0xC2B2AE35U) ^ seed;
  h ^= h >> 15, h *= 0x2C1B3C6DU;
  h ^= h >> 12, h *= 0x297A2D39U;
  h ^= h >> 15;
  return h & 255;
}

// 0 to 255: lattices of random values, bilinearly interpolated, at four scales.
inline int TestSample(int64_t x, int64_t y, uint32_t channel, uint32_t seed) {
  constexpr int64_t kPeriods[] = {64, 16, 4, 1}, kWeights[] = {110, 80, 45, 20};
  int64_t sum = 0;
  for (int i = 0; i < 4; ++i) {
    const int64_t p = kPeriods[i], column = x / p, row = y / p, part_x = x % p, part_y = y % p;
    // The finest scale is the same in all channels: noise of brightness.
    const uint32_t key = i == 3 ? 9 : channel;
    const auto at = [&](int64_t dx, int64_t dy) -> int64_t {
      return TestHash(static_cast<uint32_t>(column + dx), static_cast<uint32_t>(row + dy), key,
                      seed + static_cast<uint32_t>(i));
    };
    const int64_t upper = at(0, 0) * (p - part_x) + at(1, 0) * part_x;
    const int64_t lower = at(0, 1) * (p - part_x) + at(1, 1) * part_x;
    sum += kWeights[i] * ((upper * (p - part_y) + lower * part_y) / (p * p));
  }
  return static_cast<int>(sum / 255);
}

// Frame t shows the texture moved by (2 t, t) pixels to the left and up. `noise`: added to each
// sample, from a hash, -noise to noise.
struct TestClip {
  int64_t width = 0, height = 0;
  uint32_t seed = 1;
  int noise = 0;
  int64_t step_x = 2, step_y = 1;

  std::vector<float> Frame(int64_t t) const {
    std::vector<float> rgb;
    for (uint32_t channel = 0; channel < 3; ++channel) {
      for (int64_t y = 0; y < height; ++y) {
        for (int64_t x = 0; x < width; ++x) {
          int value = TestSample(x + step_x * t, y + step_y * t, channel, seed);
          if (noise > 0) {
            const uint32_t h = TestHash(static_cast<uint32_t>(x), static_cast<uint32_t>(y), channel,
                                        777U + static_cast<uint32_t>(t));
            value += static_cast<int>(h % static_cast<uint32_t>(2 * noise + 1)) - noise;
          }
          rgb.push_back(static_cast<float>(std::clamp(value, 0, 255)) / 127.5F - 1);
        }
      }
    }
    return rgb;
  }
};

inline std::vector<float> LumaOfFrame(const std::vector<float>& rgb) {
  std::vector<float> luma(rgb.size() / 3);
  LumaOf(rgb.data(), static_cast<int64_t>(luma.size()), luma.data());
  return luma;
}

// The clip's values by a group of the tables. `reference`: a clip of the same size, or nullptr.
inline MetricValues ScoreTestClip(const MetricGroup& group, const TestClip& clip, int64_t frames,
                                  const TestClip* reference = nullptr,
                                  const MetricSetup& setup = {}) {
  const std::unique_ptr<Metric> metric = group.open(setup);
  ClipInfo info{.width = clip.width, .height = clip.height, .frames = frames, .fps = 16};
  const std::unique_ptr<ClipMetric> one = metric->Start(info);
  for (int64_t t = 0; t < frames; ++t) {
    const std::vector<float> rgb = clip.Frame(t), luma = LumaOfFrame(rgb);
    const std::vector<float> other = reference == nullptr ? rgb : reference->Frame(t);
    const std::vector<float> other_luma = LumaOfFrame(other);
    one->Add(
        {t, clip.width, clip.height, rgb.data(), luma.data(), other.data(), other_luma.data()});
  }
  return one->Finish();
}

}  // namespace t3::testing
