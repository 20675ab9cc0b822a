// Columns first, eight rows at a time side by side, so that both passes run over neighbours in
// memory.
#include "media/cover_resize.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "media/row_bands.h"

namespace t3 {
namespace {

constexpr int64_t kLanes = 8;

int64_t RoundedSize(double size) {
  return std::max<int64_t>(1, std::llround(std::nearbyint(size)));
}

// Rows [row, row + kLanes) of `in`, cut off at `rows`, as (width, kLanes).
void Interleave(const float* in, int64_t width, int64_t rows, float* out) {
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    const float* from = in + std::min(lane, rows - 1) * width;
    for (int64_t x = 0; x < width; ++x) out[x * kLanes + lane] = from[x];
  }
}

}  // namespace

CoverResize::CoverResize(int64_t width, int64_t height, double pixel_aspect, int64_t out_width,
                         int64_t out_height)
    : width_(width), height_(height), out_width_(out_width), out_height_(out_height) {
  const double shown = std::max(1.0, std::round(static_cast<double>(width) * pixel_aspect));
  const double scale = std::max(static_cast<double>(out_width) / shown,
                                static_cast<double>(out_height) / static_cast<double>(height));
  const int64_t covering_width = std::max(out_width, RoundedSize(shown * scale));
  const int64_t covering_height =
      std::max(out_height, RoundedSize(static_cast<double>(height) * scale));
  kept_width_ = static_cast<double>(out_width) / static_cast<double>(covering_width);
  kept_height_ = static_cast<double>(out_height) / static_cast<double>(covering_height);
  const int64_t left = (covering_width - out_width) / 2, top = (covering_height - out_height) / 2;
  columns_ = LanczosWindows(width, covering_width, left, left + out_width);
  rows_ = LanczosWindows(height, covering_height, top, top + out_height);
  first_row_ = rows_.front().first;
  used_rows_ = rows_.back().first + std::ssize(rows_.back().weights) - first_row_;
  narrow_.resize(static_cast<size_t>(3 * used_rows_ * out_width));
}

void CoverResize::Resize(const float* in, float* out, int threads) {
  ResizeColumns(in, threads);
  ResizeRows(out, threads);
}

void CoverResize::ResizeColumns(const float* in, int threads) {
  const int64_t blocks = (used_rows_ + kLanes - 1) / kLanes;  // of each plane
  ParallelBands(3 * blocks, threads, [&](int64_t begin, int64_t end) {
    std::vector<float> lanes(static_cast<size_t>(width_ * kLanes));
    for (int64_t block = begin; block < end; ++block) {
      const int64_t plane = block / blocks, row = block % blocks * kLanes;
      const int64_t rows = std::min(kLanes, used_rows_ - row);
      Interleave(in + (plane * height_ + first_row_ + row) * width_, width_, rows, lanes.data());
      float* const out = narrow_.data() + (plane * used_rows_ + row) * out_width_;
      for (int64_t x = 0; x < out_width_; ++x) {
        std::array<float, kLanes> sums{};
        const float* from = lanes.data() + columns_[static_cast<size_t>(x)].first * kLanes;
        for (const double weight : columns_[static_cast<size_t>(x)].weights) {
          const auto factor = static_cast<float>(weight);
          for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += factor * from[lane];
          from += kLanes;
        }
        for (int64_t lane = 0; lane < rows; ++lane) {
          out[lane * out_width_ + x] = sums[static_cast<size_t>(lane)];
        }
      }
    }
  });
}

void CoverResize::ResizeRows(float* out, int threads) const {
  ParallelBands(3 * out_height_, threads, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t plane = row / out_height_;
      const LanczosWindow& window = rows_[static_cast<size_t>(row % out_height_)];
      const float* from =
          narrow_.data() + (plane * used_rows_ + window.first - first_row_) * out_width_;
      float* const to = out + row * out_width_;
      std::fill_n(to, out_width_, 0.f);
      for (const double weight : window.weights) {
        const auto factor = static_cast<float>(weight);
        for (int64_t x = 0; x < out_width_; ++x) to[x] += factor * from[x];
        from += out_width_;
      }
      for (int64_t x = 0; x < out_width_; ++x) to[x] = std::clamp(to[x], -1.f, 1.f);
    }
  });
}

}  // namespace t3
