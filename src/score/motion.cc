// Lucas-Kanade on a grid, and what it says of a clip.
#include "score/motion.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "score/per_frame.h"

namespace t3 {
namespace {

constexpr int64_t kReducedRows = 270;  // pictures are reduced to 270 to 539 rows
constexpr int64_t kSpacing = 16, kRadius = 7;
constexpr int kLevels = 3, kIterations = 8;
constexpr int64_t kMinLevelSide = 32;
constexpr double kMinTexture = 4;    // smaller eigenvalue of the structure tensor, per pixel
constexpr double kMaxResidual = 12;  // levels; a point above it is lost
constexpr double kConverged = 0.01;  // pixels

// Bilinear; beyond the border the nearest sample.
double Sample(const Plane& picture, double x, double y) {
  x = std::clamp(x, 0.0, static_cast<double>(picture.width - 1));
  y = std::clamp(y, 0.0, static_cast<double>(picture.height - 1));
  const auto left = static_cast<int64_t>(x), top = static_cast<int64_t>(y);
  const int64_t right = std::min(left + 1, picture.width - 1);
  const int64_t bottom = std::min(top + 1, picture.height - 1);
  const double part_x = x - static_cast<double>(left), part_y = y - static_cast<double>(top);
  const float* const upper = picture.row(top);
  const float* const lower = picture.row(bottom);
  return (1 - part_y) * (upper[left] + part_x * (upper[right] - upper[left])) +
         part_y * (lower[left] + part_x * (lower[right] - lower[left]));
}

// The window around a point of the first picture: samples and central differences.
struct MotionWindow {
  static constexpr int64_t kSide = 2 * kRadius + 1;
  std::array<double, kSide * kSide> value, along_x, along_y;
  double xx = 0, xy = 0, yy = 0;  // structure tensor, means per pixel

  MotionWindow(const Plane& picture, double x, double y) {
    constexpr double kShare = 1.0 / (kSide * kSide);
    size_t i = 0;
    for (int64_t dy = -kRadius; dy <= kRadius; ++dy) {
      for (int64_t dx = -kRadius; dx <= kRadius; ++dx, ++i) {
        const double at_x = x + static_cast<double>(dx), at_y = y + static_cast<double>(dy);
        value[i] = Sample(picture, at_x, at_y);
        along_x[i] = (Sample(picture, at_x + 1, at_y) - Sample(picture, at_x - 1, at_y)) / 2;
        along_y[i] = (Sample(picture, at_x, at_y + 1) - Sample(picture, at_x, at_y - 1)) / 2;
        xx += along_x[i] * along_x[i] * kShare;
        xy += along_x[i] * along_y[i] * kShare;
        yy += along_y[i] * along_y[i] * kShare;
      }
    }
  }
  double SmallerEigenvalue() const { return (xx + yy) / 2 - std::hypot((xx - yy) / 2, xy); }
  // Differences of the second picture at the displaced window: their mean |.| and their products
  // with the gradients.
  struct Mismatch {
    double x = 0, y = 0, absolute = 0;
  };
  Mismatch Compare(const Plane& second, double x, double y) const {
    constexpr double kShare = 1.0 / (kSide * kSide);
    Mismatch sums;
    size_t i = 0;
    for (int64_t dy = -kRadius; dy <= kRadius; ++dy) {
      for (int64_t dx = -kRadius; dx <= kRadius; ++dx, ++i) {
        const double difference =
            value[i] - Sample(second, x + static_cast<double>(dx), y + static_cast<double>(dy));
        sums.x += difference * along_x[i] * kShare;
        sums.y += difference * along_y[i] * kShare;
        sums.absolute += std::abs(difference) * kShare;
      }
    }
    return sums;
  }
};

// Refines the displacement (point.x, point.y) on one level.
void TrackOnLevel(const Plane& first, const Plane& second, double x, double y, FlowPoint& point) {
  const MotionWindow window(first, x, y);
  const double determinant = window.xx * window.yy - window.xy * window.xy;
  point.textured = window.SmallerEigenvalue() >= kMinTexture;
  if (point.textured) {
    for (int i = 0; i < kIterations; ++i) {
      const MotionWindow::Mismatch miss = window.Compare(second, x + point.x, y + point.y);
      const double step_x = (window.yy * miss.x - window.xy * miss.y) / determinant;
      const double step_y = (window.xx * miss.y - window.xy * miss.x) / determinant;
      point.x += step_x, point.y += step_y;
      if (std::hypot(step_x, step_y) < kConverged) break;
    }
  }
  point.residual = window.Compare(second, x + point.x, y + point.y).absolute;
}

bool IsTracked(const FlowPoint& point) { return point.textured && point.residual <= kMaxResidual; }

double Length(const FlowPoint& point) { return std::hypot(point.x, point.y); }

}  // namespace

Pyramid PyramidOf(Plane finest) {
  Pyramid levels{std::move(finest)};
  while (std::ssize(levels) < kLevels &&
         std::min(levels.back().width, levels.back().height) >= 2 * kMinLevelSide)
    levels.push_back(AreaReduce(levels.back().view(), 2));
  return levels;
}

FlowPoint TrackPoint(const Pyramid& first, const Pyramid& second, int64_t x, int64_t y) {
  FlowPoint point;
  for (size_t level = first.size(); level-- > 0;) {
    const double scale = 1.0 / static_cast<double>(int64_t{1} << level);
    // Centres of pixels: sample x of level 0 is at (x + 0.5) / 2 - 0.5 of level 1.
    const double at_x = (static_cast<double>(x) + 0.5) * scale - 0.5;
    const double at_y = (static_cast<double>(y) + 0.5) * scale - 0.5;
    TrackOnLevel(first[level], second[level], at_x, at_y, point);
    if (level > 0) point.x *= 2, point.y *= 2;
  }
  return point;
}

MotionOfClip::MotionOfClip(const ClipInfo& clip)
    : factor_(std::max<int64_t>(1, clip.height / kReducedRows)),
      percent_(100.0 * static_cast<double>(factor_) / static_cast<double>(clip.height)) {
  CheckClipSize("motion", clip, 2 * kMinLevelSide, 2);
}

void MotionOfClip::Add(const ScoreFrame& frame) {
  Pyramid current = PyramidOf(AreaReduce({frame.width, frame.height, frame.luma}, factor_));
  if (!previous_.empty()) {
    std::vector<FlowPoint> flow;
    const Plane& finest = current.front();
    for (int64_t y = kSpacing / 2; y < finest.height; y += kSpacing) {
      for (int64_t x = kSpacing / 2; x < finest.width; x += kSpacing)
        flow.push_back(TrackPoint(previous_, current, x, y));
    }
    AddFlow(flow);
    flow_ = std::move(flow);
  }
  previous_ = std::move(current);
}

void MotionOfClip::AddFlow(const std::vector<FlowPoint>& flow) {
  for (size_t i = 0; i < flow.size(); ++i) {
    if (!flow[i].textured) continue;
    ++textured_, residual_ += flow[i].residual;
    if (!IsTracked(flow[i])) continue;
    ++tracked_, length_ += Length(flow[i]);
    if (flow_.empty() || !IsTracked(flow_[i])) continue;
    change_ += std::hypot(flow[i].x - flow_[i].x, flow[i].y - flow_[i].y);
    path_ += Length(flow[i]) + Length(flow_[i]);
  }
}

MetricValues MotionOfClip::Finish() {
  constexpr double kMinPath = 0.02;  // pixels a point; below it there is no motion to be smooth
  MetricValues values;
  if (tracked_ > 0)
    values.emplace_back("motion", percent_ * length_ / static_cast<double>(tracked_));
  if (tracked_ > 0 && path_ > kMinPath * static_cast<double>(tracked_))
    values.emplace_back("motion_smoothness", 1 - change_ / path_);
  if (textured_ > 0) values.emplace_back("warp_error", residual_ / static_cast<double>(textured_));
  return values;
}

}  // namespace t3
