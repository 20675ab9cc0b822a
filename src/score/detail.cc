// Laplacian variance, high-frequency energy by scale, the blur of Crete et al.
#include "score/detail.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace t3 {
namespace {

// Of centre - neighbours over the pixels that have all four (Pech-Pacheco et al., ICPR 2000).
double LaplacianVariance(PlaneView picture) {
  Plane laplacian(picture.width - 2, picture.height - 2);
  for (int64_t y = 1; y + 1 < picture.height; ++y) {
    const float* const above = picture.row(y - 1);
    const float* const row = picture.row(y);
    const float* const below = picture.row(y + 1);
    float* const to = laplacian.row(y - 1);
    for (int64_t x = 1; x + 1 < picture.width; ++x)
      to[x - 1] = above[x] + below[x] + row[x - 1] + row[x + 1] - 4 * row[x];
  }
  return MomentsOf(laplacian.view()).variance;
}

// Bilinear sample positions of an enlargement by `scale`: centres of pixels coincide in both grids.
struct BilinearPlace {
  int64_t first, second;
  float part;  // of the second
};
BilinearPlace PlaceOf(int64_t index, int64_t scale, int64_t size) {
  const double at =
      std::max(0.0, (static_cast<double>(index) + 0.5) / static_cast<double>(scale) - 0.5);
  const auto first = static_cast<int64_t>(at);
  return {first, std::min(first + 1, size - 1),
          static_cast<float>(at - static_cast<double>(first))};
}

// Share of the horizontal variation (with `along_rows`; else vertical) that survives a box of
// kBlurTaps along the same axis.
constexpr int kBlurTaps = 11;
double BlurAlong(PlaneView picture, bool along_rows) {
  const std::vector<double> box(kBlurTaps, 1.0 / kBlurTaps);
  const Plane blurred = along_rows ? CorrelateRows(picture, box, Border::kReflect)
                                   : CorrelateColumns(picture, box, Border::kReflect);
  const auto sobel = [along_rows](PlaneView in, int64_t x, int64_t y) {
    const auto at = [&](int64_t along, int64_t across) {
      return along_rows ? in.at(x + along, y + across) : in.at(x + across, y + along);
    };
    return std::abs(at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1));
  };
  double sharp_sum = 0, lost_sum = 0;
  for (int64_t y = 2; y + 1 < picture.height; ++y) {
    for (int64_t x = 2; x + 1 < picture.width; ++x) {
      const double sharp = sobel(picture, x, y);
      sharp_sum += sharp;
      lost_sum += std::max(0.0, sharp - sobel(blurred.view(), x, y));
    }
  }
  return sharp_sum > 0 ? (sharp_sum - lost_sum) / sharp_sum : 1;  // a flat picture is all blur
}

}  // namespace

double LostByReducing(PlaneView picture, int64_t scale) {
  const Plane small = AreaReduce(picture, scale);
  std::vector<BilinearPlace> columns;
  for (int64_t x = 0; x < small.width * scale; ++x)
    columns.push_back(PlaceOf(x, scale, small.width));
  double sum = 0;
  for (int64_t y = 0; y < small.height * scale; ++y) {
    const BilinearPlace row = PlaceOf(y, scale, small.height);
    const float* const upper = small.row(row.first);
    const float* const lower = small.row(row.second);
    double row_sum = 0;
    for (size_t x = 0; x < columns.size(); ++x) {
      const auto [first, second, part] = columns[x];
      const float high = upper[first] + part * (upper[second] - upper[first]);
      const float low = lower[first] + part * (lower[second] - lower[first]);
      const float lost = picture.row(y)[x] - (high + row.part * (low - high));
      row_sum += static_cast<double>(lost) * lost;
    }
    sum += row_sum;
  }
  return sum / static_cast<double>(small.width * small.height * scale * scale);
}

FrameValues DetailOf(const ScoreFrame& frame) {
  const PlaneView luma{frame.width, frame.height, frame.luma};
  const double fine = LostByReducing(luma, 2), coarse = LostByReducing(luma, 8);
  return {LaplacianVariance(luma), fine, LostByReducing(luma, 4), coarse,
          coarse > 0 ? fine / coarse : 0};
}

FrameValues BlurOf(const ScoreFrame& frame) {
  const PlaneView luma{frame.width, frame.height, frame.luma};
  return {std::max(BlurAlong(luma, true), BlurAlong(luma, false))};
}

}  // namespace t3
