// Test support: frames with known contents, and folders to write into.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/testing/error_of.h"
#include "media/frame.h"
#include "media/video_writer.h"

namespace t3 {

// A frame that owns its samples, (3, height, width).
struct TestFrame {
  TestFrame(int64_t w, int64_t h) : width(w), height(h), samples(3 * w * h) {}
  FrameView view() const {
    const float* data = samples.data();
    return {width, height, {data, data + width * height, data + 2 * width * height}, width};
  }
  float& at(int64_t c, int64_t y, int64_t x) { return samples[(c * height + y) * width + x]; }

  int64_t width, height;
  std::vector<float> samples;
};

inline TestFrame FlatFrame(int64_t width, int64_t height, float r, float g, float b) {
  TestFrame frame(width, height);
  const float rgb[3] = {r, g, b};
  for (size_t i = 0; i < frame.samples.size(); ++i) {
    frame.samples[i] = rgb[static_cast<int64_t>(i) / (width * height)];
  }
  return frame;
}

// Slow waves of every colour, moving with `phase`; chroma changes little from pixel to pixel.
inline TestFrame WaveFrame(int64_t width, int64_t height, double phase) {
  TestFrame frame(width, height);
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        const double along = static_cast<double>(x) / 23 + phase + static_cast<double>(c);
        const double down = static_cast<double>(y) / 31 - phase;
        frame.at(c, y, x) = static_cast<float>(0.9 * std::sin(along) * std::cos(down));
      }
    }
  }
  return frame;
}

// Writes a frame as samples of the writer's format, with `gap` bytes between rows.
inline void WriteSamplesOf(const TestFrame& frame, int64_t gap, VideoWriter& writer) {
  const PlanarFormat format = writer.planar().value();
  const PixelLayout layout = format.Layout();
  std::vector<std::vector<uint8_t>> bytes(3);
  Planes planes;
  ConstPlanes samples;
  for (int c = 0; c < 3; ++c) {
    const PlaneSize size = PlaneSizeOf(layout, c, frame.width, frame.height);
    planes.stride[c] = samples.stride[c] = size.row_bytes + gap;
    bytes[c].resize(static_cast<size_t>(planes.stride[c] * size.rows));
    samples.data[c] = planes.data[c] = bytes[c].data();
  }
  PackFrame(frame.view(), layout, format.color, planes, 1);
  writer.WriteSamples(samples);
}

inline double LargestDifference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(difference <= largest)) largest = difference;  // NaN counts as different
  }
  return largest;
}

// An empty folder for one test, removed at the end.
class TestFolder {
 public:
  TestFolder() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name = test->name();
    std::ranges::replace(name, '/', '_');  // of a parameterised test
    path_ = std::filesystem::temp_directory_path() /
            ("t3_media_" + name + "_" + std::to_string(::getpid()));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }
  bool empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::filesystem::path path_;
};

inline std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

inline void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string MediaData(const std::string& name) {
  return std::string(T3_SOURCE_DIR) + "/tests/data/media/" + name;
}

}  // namespace t3
