// One channel of a picture, and the filters that several metrics share.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace t3 {

// Row-major, not owned.
struct PlaneView {
  int64_t width = 0;
  int64_t height = 0;
  const float* data = nullptr;

  const float* row(int64_t y) const { return data + y * width; }
  float at(int64_t x, int64_t y) const { return data[y * width + x]; }
  int64_t pixels() const { return width * height; }
};

struct Plane {
  Plane() = default;
  Plane(int64_t width_, int64_t height_)
      : width(width_), height(height_), data(static_cast<size_t>(width_ * height_)) {}

  int64_t width = 0;
  int64_t height = 0;
  std::vector<float> data;

  float* row(int64_t y) { return data.data() + y * width; }
  const float* row(int64_t y) const { return data.data() + y * width; }
  PlaneView view() const { return {width, height, data.data()}; }
};

// 255 (0.2126 R + 0.7152 G + 0.0722 B) of (3,pixels) in [-1,1].
void LumaOf(const float* rgb, int64_t pixels, float* luma);

// What lies beyond the border.
enum class Border { kZero, kNearest, kReflect };  // kReflect: d c b a | a b c d

// Correlation with `taps` (an odd number) along rows, then along columns.
Plane Correlate(PlaneView in, std::span<const double> taps, Border border);
Plane CorrelateRows(PlaneView in, std::span<const double> taps, Border border);
Plane CorrelateColumns(PlaneView in, std::span<const double> taps, Border border);

// `taps` >= 1 weights of a Gaussian with standard deviation `sigma`, summing to 1.
std::vector<double> GaussianTaps(int taps, double sigma);

// Means of factor x factor boxes; rows and columns that fill no box are left out.
Plane AreaReduce(PlaneView in, int64_t factor);
// Means over the fields of a columns x rows division: field i of n covers the samples from
// floor(i s / n) to ceil((i + 1) s / n).
Plane FieldMeans(PlaneView in, int64_t columns, int64_t rows);

// Mean and variance (of the population) of many numbers.
struct Moments {
  double mean = 0;
  double variance = 0;
};
Moments MomentsOf(PlaneView in);

}  // namespace t3
