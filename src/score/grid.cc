// Profiles of steps across the picture, and what stands out of them.
#include "score/grid.h"

#include <algorithm>
#include <cmath>

#include "score/per_frame.h"

namespace t3 {
namespace {

constexpr double kFlat = 1e-3;  // levels: what counts as no step at all

// |excess| of the step from b to c, where a and d are the samples before and after.
inline float Excess(float a, float b, float c, float d) {
  return std::abs((c - b) - ((b - a) + (d - c)) / 2);
}

double RatioOf(double at, double elsewhere) { return (at + kFlat) / (elsewhere + kFlat); }

}  // namespace

GridOfClip::GridOfClip(const ClipInfo& clip) {
  CheckClipSize("grid", clip, 64);
  columns_.step.resize(static_cast<size_t>(clip.width - 1));
  columns_.excess.resize(columns_.step.size());
  rows_.step.resize(static_cast<size_t>(clip.height - 1));
  rows_.excess.resize(rows_.step.size());
}

void GridOfClip::Add(const ScoreFrame& frame) {
  const int64_t width = frame.width, height = frame.height;
  const auto row = [&](int64_t y) { return frame.luma + y * width; };
  for (int64_t y = 0; y < height; ++y) {
    const float* const at = row(y);
    for (int64_t x = 1; x + 2 < width; ++x) {
      columns_.step[static_cast<size_t>(x)] += std::abs(at[x + 1] - at[x]);
      columns_.excess[static_cast<size_t>(x)] += Excess(at[x - 1], at[x], at[x + 1], at[x + 2]);
    }
  }
  for (int64_t y = 1; y + 2 < height; ++y) {
    const float *a = row(y - 1), *b = row(y), *c = row(y + 1), *d = row(y + 2);
    double step = 0, excess = 0;
    for (int64_t x = 0; x < width; ++x) {
      step += std::abs(c[x] - b[x]);
      excess += Excess(a[x], b[x], c[x], d[x]);
    }
    rows_.step[static_cast<size_t>(y)] += step, rows_.excess[static_cast<size_t>(y)] += excess;
  }
  column_samples_ += static_cast<double>(height);
  row_samples_ += static_cast<double>(width);
}

MetricValues GridOfClip::Finish() {
  for (auto* values : {&columns_.step, &columns_.excess})
    for (double& value : *values) value /= column_samples_;
  for (auto* values : {&rows_.step, &rows_.excess})
    for (double& value : *values) value /= row_samples_;
  const auto mean = [&](int64_t period) {
    return (GridRatio(columns_.excess, period) + GridRatio(rows_.excess, period)) / 2;
  };
  return {{"blockiness", (GridRatio(columns_.step, 8) + GridRatio(rows_.step, 8)) / 2},
          {"grid_16", mean(16)},
          {"grid_32", mean(32)},
          {"seam", std::max(SeamRatio(columns_.excess), SeamRatio(rows_.excess))}};
}

double GridRatio(const std::vector<double>& profile, int64_t period) {
  double at = 0, elsewhere = 0;
  int64_t at_count = 0, count = 0;
  for (int64_t i = 1; i + 1 < std::ssize(profile); ++i) {
    const bool border = (i + 1) % period == 0;
    (border ? at : elsewhere) += profile[static_cast<size_t>(i)];
    ++(border ? at_count : count);
  }
  return RatioOf(at / static_cast<double>(at_count), elsewhere / static_cast<double>(count));
}

double SeamRatio(const std::vector<double>& profile) {
  constexpr int64_t kReach = 16;
  double highest = 0;
  std::vector<double> around;
  const int64_t last = std::ssize(profile) - 2;
  for (int64_t i = 1; i <= last; ++i) {
    around.clear();
    for (int64_t k = std::max<int64_t>(1, i - kReach); k <= std::min(last, i + kReach); ++k) {
      if (k != i) around.push_back(profile[static_cast<size_t>(k)]);
    }
    const auto middle = around.begin() + std::ssize(around) / 2;
    std::ranges::nth_element(around, middle);
    highest = std::max(highest, RatioOf(profile[static_cast<size_t>(i)], *middle));
  }
  return highest;
}

}  // namespace t3
