// Finds paints by hue and saturation, and their connected regions.
#include "measure/paint.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/check.h"
#include "world/numbers.h"

namespace t3 {
namespace {

// Only paint is that saturated: the bluest sky has 0.73 and another hue.
constexpr double kSaturation = 0.70, kChroma = 0.40, kHueDistance = 0.27;
constexpr int64_t kColors = 5, kJoin = 4;

// The region of `grown` that is connected to `start`, of which pixels in `mask` count.
PaintedRegion Fill(std::vector<uint8_t>& grown, const std::vector<uint8_t>& mask, int64_t start) {
  PaintedRegion thing{.left = kReadWidth, .right = -1, .top = kReadHeight, .bottom = -1};
  std::vector<int64_t> open = {start};
  grown[start] = 0;
  double sum_x = 0, sum_y = 0;
  while (!open.empty()) {
    const int64_t at = open.back(), x = at % kReadWidth, y = at / kReadWidth;
    open.pop_back();
    if (mask[at]) {
      ++thing.area, sum_x += static_cast<double>(x), sum_y += static_cast<double>(y);
      thing.left = std::min(thing.left, x), thing.right = std::max(thing.right, x);
      thing.top = std::min(thing.top, y), thing.bottom = std::max(thing.bottom, y);
    }
    const auto visit = [&](int64_t next, bool inside) {
      if (inside && grown[next]) grown[next] = 0, open.push_back(next);
    };
    visit(at - 1, x > 0), visit(at + 1, x + 1 < kReadWidth);
    visit(at - kReadWidth, y > 0), visit(at + kReadWidth, y + 1 < kReadHeight);
  }
  const double area = static_cast<double>(std::max<int64_t>(thing.area, 1));
  thing.x = sum_x / area, thing.y = sum_y / area;
  return thing;
}

std::vector<uint8_t> Bytes(const at::Tensor& mask) {
  const at::Tensor flat = mask.to(at::kByte).contiguous();
  const uint8_t* data = flat.const_data_ptr<uint8_t>();
  return {data, data + flat.numel()};
}

}  // namespace

at::Tensor ReadingSize(const at::Tensor& video) {
  T3_CHECK(video.dim() == 4 && video.size(0) == 3 && video.size(1) >= 2,
           "world detector: a clip is (3, frames, height, width) with at least 2 frames, not ({})",
           fmt::join(video.sizes(), ", "));
  at::Tensor frames = video.transpose(0, 1).to(at::kFloat);
  if (video.size(2) != kReadHeight || video.size(3) != kReadWidth) {
    frames = at::adaptive_avg_pool2d(frames, {kReadHeight, kReadWidth});
  }
  return ((frames + 1) * 0.5).clamp(0, 1).transpose(0, 1).contiguous();
}

at::Tensor PaintMap(const at::Tensor& picture) {
  const at::Tensor high = picture.amax(0), low = picture.amin(0), chroma = high - low;
  const at::Tensor hue = (picture - low) / chroma.clamp_min(1e-3);
  std::vector<at::Tensor> distances;
  for (int64_t i = 0; i < kColors; ++i) {
    const Rgb paint = PaintOf(static_cast<WorldColor>(i));
    const float low_channel = std::min({paint.r, paint.g, paint.b});
    const float range = std::max({paint.r, paint.g, paint.b}) - low_channel;
    const at::Tensor paint_hue =
        at::tensor({(paint.r - low_channel) / range, (paint.g - low_channel) / range,
                    (paint.b - low_channel) / range},
                   picture.options())
            .view({3, 1, 1, 1});
    distances.push_back((hue - paint_hue).abs().sum(0));
  }
  const auto [distance, color] = at::stack(distances).min(0);
  const at::Tensor painted = (distance < kHueDistance)
                                 .logical_and(chroma > kChroma)
                                 .logical_and(chroma > high * kSaturation);
  return at::where(painted, color, at::full_like(color, -1)).to(at::kChar);
}

std::vector<PaintedRegion> FindRegions(const at::Tensor& frame_map, int64_t min_area) {
  std::vector<PaintedRegion> things;
  for (int64_t color = 0; color < kColors; ++color) {
    const at::Tensor mask = frame_map == color;
    const std::vector<uint8_t> pixels = Bytes(mask);
    std::vector<uint8_t> grown =
        Bytes(at::max_pool2d(mask.to(at::kFloat).view({1, 1, kReadHeight, kReadWidth}),
                             2 * kJoin + 1, 1, kJoin) > 0);
    for (int64_t at = 0; at < static_cast<int64_t>(grown.size()); ++at) {
      if (!grown[at]) continue;
      PaintedRegion thing = Fill(grown, pixels, at);
      thing.color = static_cast<int>(color);
      if (thing.area >= min_area) things.push_back(thing);
    }
  }
  return things;
}

}  // namespace t3
