// Cells, smoothing, enlarging; the enlarged difference is never stored.
#include "media/color_match.h"

#include <algorithm>
#include <cmath>

#include "media/row_bands.h"

namespace t3 {
namespace {

constexpr int64_t kCellPixels = 32;

int64_t CellsOf(int64_t pixels) {
  return std::max<int64_t>(1, (pixels + kCellPixels / 2) / kCellPixels);
}

// Weighted sum of a difference over one row, without the order of additions that keeps a compiler
// from using vectors.
double SumOfDifference(const float* source, const float* frame, int64_t begin, int64_t end) {
  constexpr int64_t kLanes = 8;
  float lanes[kLanes] = {};
  int64_t x = begin;
  for (; x + kLanes <= end; x += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += source[x + lane] - frame[x + lane];
    }
  }
  double sum = 0;
  for (; x < end; ++x) sum += source[x] - frame[x];
  for (const float lane : lanes) sum += lane;
  return sum;
}

// (1,2,1)/4 along one direction of `count` values at `stride`.
void SmoothLine(float* line, int64_t count, int64_t stride, std::vector<float>& copy) {
  copy.resize(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) copy[static_cast<size_t>(i)] = line[i * stride];
  for (int64_t i = 0; i < count; ++i) {
    float sum = 2 * copy[static_cast<size_t>(i)], weight = 2;
    if (i > 0) sum += copy[static_cast<size_t>(i - 1)], weight += 1;
    if (i + 1 < count) sum += copy[static_cast<size_t>(i + 1)], weight += 1;
    line[i * stride] = sum / weight;
  }
}

}  // namespace

ColorMatch::ColorMatch(int64_t width, int64_t height)
    : width_(width),
      height_(height),
      columns_(CellsOf(width)),
      rows_(CellsOf(height)),
      across_(PlacesOf(width, columns_)),
      down_(PlacesOf(height, rows_)) {}

ColorMatch::Places ColorMatch::PlacesOf(int64_t pixels, int64_t cells) {
  Places places;
  for (int64_t p = 0; p < pixels; ++p) {
    const double place =
        (static_cast<double>(p) + 0.5) * static_cast<double>(cells) / static_cast<double>(pixels) -
        0.5;
    const double inside = std::clamp(place, 0.0, static_cast<double>(cells - 1));
    const auto first = static_cast<int64_t>(inside);
    while (std::ssize(places.starts) <= first) places.starts.push_back(p);
    places.weights.push_back(static_cast<float>(inside - static_cast<double>(first)));
  }
  while (std::ssize(places.starts) <= cells) places.starts.push_back(pixels);
  return places;
}

void ColorMatch::Difference(const float* source, const float* frame, float* cells,
                            int threads) const {
  Average(source, frame, cells, threads);
  Smooth(cells);
}

void ColorMatch::Average(const float* source, const float* frame, float* cells, int threads) const {
  ParallelBands(3 * rows_, threads, [&](int64_t begin, int64_t end) {
    std::vector<double> sums(static_cast<size_t>(columns_));
    for (int64_t cell = begin; cell < end; ++cell) {
      const int64_t plane = cell / rows_, row = cell % rows_;
      const int64_t top = row * height_ / rows_, bottom = (row + 1) * height_ / rows_;
      std::fill(sums.begin(), sums.end(), 0.0);
      for (int64_t y = top; y < bottom; ++y) {
        const int64_t line = (plane * height_ + y) * width_;
        for (int64_t i = 0; i < columns_; ++i) {
          sums[static_cast<size_t>(i)] += SumOfDifference(
              source + line, frame + line, i * width_ / columns_, (i + 1) * width_ / columns_);
        }
      }
      for (int64_t i = 0; i < columns_; ++i) {
        const int64_t across = (i + 1) * width_ / columns_ - i * width_ / columns_;
        cells[cell * columns_ + i] = static_cast<float>(
            sums[static_cast<size_t>(i)] / static_cast<double>(across * (bottom - top)));
      }
    }
  });
}

void ColorMatch::Smooth(float* cells) const {
  std::vector<float> copy;
  for (int64_t plane = 0; plane < 3; ++plane) {
    float* const first = cells + plane * rows_ * columns_;
    for (int64_t row = 0; row < rows_; ++row) SmoothLine(first + row * columns_, columns_, 1, copy);
    for (int64_t i = 0; i < columns_; ++i) SmoothLine(first + i, rows_, columns_, copy);
  }
}

void ColorMatch::Add(const float* cells, float* frame, int threads) const {
  ParallelBands(3 * rows_, threads, [&](int64_t begin, int64_t end) {
    std::vector<float> line(static_cast<size_t>(columns_ + 1));
    for (int64_t cell = begin; cell < end; ++cell) {
      const int64_t plane = cell / rows_, row = cell % rows_;
      const float* above = cells + cell * columns_;
      const float* below = row + 1 < rows_ ? above + columns_ : above;
      for (int64_t y = down_.starts[row]; y < down_.starts[row + 1]; ++y) {
        for (int64_t i = 0; i < columns_; ++i) {
          line[i] = above[i] + down_.weights[y] * (below[i] - above[i]);
        }
        line[columns_] = line[columns_ - 1];  // beyond the last centre
        AddLine(line.data(), frame + (plane * height_ + y) * width_);
      }
    }
  });
}

void ColorMatch::AddLine(const float* line, float* out) const {
  const float* const weights = across_.weights.data();
  for (int64_t i = 0; i < columns_; ++i) {
    const float value = line[i], step = line[i + 1] - line[i];
    for (int64_t x = across_.starts[i]; x < across_.starts[i + 1]; ++x) {
      out[x] += value + weights[x] * step;
    }
  }
}

}  // namespace t3
