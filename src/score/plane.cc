// Luma, separable filters, reductions.
#include "score/plane.h"

#include <algorithm>
#include <cmath>

namespace t3 {
namespace {

// Index of a sample beyond [0, size), or -1 for a zero.
int64_t Folded(int64_t index, int64_t size, Border border) {
  if (index >= 0 && index < size) return index;
  if (border == Border::kZero) return -1;
  if (border == Border::kNearest) return std::clamp<int64_t>(index, 0, size - 1);
  const int64_t period = 2 * size;
  const int64_t place = ((index % period) + period) % period;
  return place < size ? place : period - 1 - place;
}

}  // namespace

void LumaOf(const float* rgb, int64_t pixels, float* luma) {
  const float* const green = rgb + pixels;
  const float* const blue = green + pixels;
  for (int64_t i = 0; i < pixels; ++i)
    luma[i] = 127.5F * (0.2126F * rgb[i] + 0.7152F * green[i] + 0.0722F * blue[i] + 1);
}

Plane CorrelateRows(PlaneView in, std::span<const double> taps, Border border) {
  Plane out(in.width, in.height);
  const int64_t reach = std::ssize(taps) / 2;
  std::vector<float> weights(taps.begin(), taps.end());
  std::vector<float> padded(static_cast<size_t>(in.width + 2 * reach));
  for (int64_t y = 0; y < in.height; ++y) {
    for (int64_t x = -reach; x < in.width + reach; ++x) {
      const int64_t from = Folded(x, in.width, border);
      padded[static_cast<size_t>(x + reach)] = from < 0 ? 0 : in.at(from, y);
    }
    float* const to = out.row(y);
    for (size_t k = 0; k < weights.size(); ++k) {
      for (int64_t x = 0; x < in.width; ++x)
        to[x] += weights[k] * padded[static_cast<size_t>(x) + k];
    }
  }
  return out;
}

Plane CorrelateColumns(PlaneView in, std::span<const double> taps, Border border) {
  Plane out(in.width, in.height);
  const int64_t reach = std::ssize(taps) / 2;
  for (int64_t y = 0; y < in.height; ++y) {
    float* const to = out.row(y);
    for (int64_t k = 0; k < std::ssize(taps); ++k) {
      const int64_t from = Folded(y + k - reach, in.height, border);
      if (from < 0) continue;
      const auto weight = static_cast<float>(taps[static_cast<size_t>(k)]);
      const float* const row = in.row(from);
      for (int64_t x = 0; x < in.width; ++x) to[x] += weight * row[x];
    }
  }
  return out;
}

Plane Correlate(PlaneView in, std::span<const double> taps, Border border) {
  return CorrelateColumns(CorrelateRows(in, taps, border).view(), taps, border);
}

std::vector<double> GaussianTaps(int taps, double sigma) {
  std::vector<double> weights;
  double sum = 0;
  for (int i = 0; i < taps; ++i) {
    const double at = i - (taps - 1) / 2.0;
    weights.push_back(std::exp(-at * at / (2 * sigma * sigma)));
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

Plane AreaReduce(PlaneView in, int64_t factor) {
  Plane out(in.width / factor, in.height / factor);
  const float share = 1 / static_cast<float>(factor * factor);
  for (int64_t y = 0; y < out.height * factor; ++y) {
    float* const to = out.row(y / factor);
    const float* from = in.row(y);
    for (int64_t x = 0; x < out.width; ++x) {
      float sum = 0;
      for (int64_t k = 0; k < factor; ++k) sum += *from++;
      to[x] += sum * share;
    }
  }
  return out;
}

Plane FieldMeans(PlaneView in, int64_t columns, int64_t rows) {
  Plane out(columns, rows);
  std::vector<double> sums(static_cast<size_t>(columns));
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t top = row * in.height / rows, end = ((row + 1) * in.height + rows - 1) / rows;
    std::ranges::fill(sums, 0.0);
    for (int64_t y = top; y < end; ++y) {
      for (int64_t column = 0; column < columns; ++column) {
        const int64_t left = column * in.width / columns;
        const int64_t right = ((column + 1) * in.width + columns - 1) / columns;
        float sum = 0;
        for (int64_t x = left; x < right; ++x) sum += in.at(x, y);
        sums[static_cast<size_t>(column)] += sum / static_cast<float>(right - left);
      }
    }
    for (int64_t column = 0; column < columns; ++column)
      out.row(row)[column] =
          static_cast<float>(sums[static_cast<size_t>(column)] / static_cast<double>(end - top));
  }
  return out;
}

Moments MomentsOf(PlaneView in) {
  double sum = 0, squares = 0;
  // Sums of a row in fp64 from differences to the first sample: no cancellation in flat pictures.
  const double base = in.data[0];
  for (int64_t i = 0; i < in.pixels(); ++i) {
    const double value = in.data[i] - base;
    sum += value, squares += value * value;
  }
  const auto count = static_cast<double>(in.pixels());
  const double mean = sum / count;
  return {mean + base, std::max(0.0, squares / count - mean * mean)};
}

}  // namespace t3
