// Brightness around an object.
#include "measure/light_cues.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "world/numbers.h"

namespace t3 {
namespace {

// Strength of the mirror image of `thing` below the line `mirror`: the mean over its mirrored
// pixels of how far they lie from their row's median colour towards the paint.
double MirrorAt(const at::Tensor& frame, const at::Tensor& mask, const PaintedRegion& thing,
                int64_t mirror) {
  // A boat's hull may reach below the line; it is not an image.
  constexpr int64_t kHull = 12;
  const int64_t first = thing.bottom > mirror ? mirror + kHull : 2 * mirror - thing.bottom;
  const int64_t end = std::min<int64_t>(2 * mirror - thing.top + 1, kReadHeight);
  if (end - first < 6) return 0;
  const at::Tensor shown = mask.narrow(0, 2 * mirror - end + 1, end - first).flip(0).to(at::kFloat);
  const at::Tensor rows = frame.narrow(1, first, end - first);
  const at::Tensor usual = std::get<0>(rows.median(2, true));
  const Rgb paint = PaintOf(static_cast<WorldColor>(thing.color));
  const at::Tensor direction =
      at::tensor({paint.r, paint.g, paint.b}, frame.options()).view({3, 1, 1}) * 0.7 - usual;
  const at::Tensor strength = ((rows - usual) * direction).sum(0) / direction.square().sum(0);
  return ((strength * shown).sum() / shown.sum().clamp_min(1)).item<double>();
}

// Where an object's shadow can fall on one side and not on the other: columns from the object's
// centre, and rows (src/world/foreground.cc).
struct ShadowPlace {
  int64_t near, far;   // columns
  int64_t first, end;  // rows
};

// On the ground far below a flying object, at a height that no horizon covers; next to the wheels
// of a car, which are not painted.
ShadowPlace ShadowPlaceOf(const PaintedRegion& object, bool car) {
  if (!car) return {.near = 6, .far = 30, .first = 118, .end = 129};
  const int64_t first = std::min<int64_t>(object.bottom - 2, kReadHeight - 12);
  return {.near = 10, .far = 36, .first = first, .end = first + 12};
}

}  // namespace

double MirrorOf(const ClipAnalysis& clip) {
  const std::vector<const PaintedRegion*> objects = ObjectByFrame(clip);
  double sum = 0;
  int64_t count = 0;
  for (size_t i = 0; i < objects.size(); i += 4) {
    if (objects[i] == nullptr) continue;
    const at::Tensor frame = clip.picture.select(1, static_cast<int64_t>(i)).cpu();
    const at::Tensor mask = clip.map[static_cast<int64_t>(i)] == objects[i]->color;
    double best = 0;
    // The horizon, or a boat's waterline.
    for (int64_t line = 78; line < 118; ++line) {
      if (static_cast<double>(line) < objects[i]->y + 6) continue;
      best = std::max(best, MirrorAt(frame, mask, *objects[i], line));
    }
    sum += best, ++count;
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

double ShadingOf(const ClipAnalysis& clip) {
  const std::vector<const PaintedRegion*> objects = ObjectByFrame(clip);
  double sum = 0;
  for (size_t i = 0; i < objects.size(); ++i) {
    if (objects[i] == nullptr) continue;
    const int64_t frame = static_cast<int64_t>(i), top = std::llround(objects[i]->y);
    const int64_t rows = objects[i]->bottom + 1 - top;
    if (rows < 1) continue;
    const at::Tensor bright = clip.picture.select(1, frame).amax(0).cpu().narrow(0, top, rows);
    const at::Tensor painted = (clip.map[frame] == objects[i]->color).to(at::kFloat);
    // The edge is mixed with the background.
    const at::Tensor inside = 1 - at::max_pool2d((1 - painted).unsqueeze(0), 3, 1, 1)[0];
    const at::Tensor mask = inside.narrow(0, top, rows);
    const at::Tensor count = mask.sum().clamp_min(1);
    const at::Tensor x = at::arange(kReadWidth, bright.options());
    const at::Tensor aside = x - (x * mask).sum() / count;
    const at::Tensor mean = (bright * mask).sum() / count;
    sum += ((bright / mean.clamp_min(1e-3) - 1) * mask * aside).sum().item<double>();
  }
  return sum;
}

double GroundContrast(const ClipAnalysis& clip, bool car) {
  constexpr int64_t kRows = 5;  // of a shadow's thick part
  const std::vector<const PaintedRegion*> objects = ObjectByFrame(clip);
  std::vector<at::Tensor> contrasts;  // (rows) of each frame
  for (size_t i = 0; i < objects.size(); ++i) {
    if (objects[i] == nullptr) continue;
    const ShadowPlace place = ShadowPlaceOf(*objects[i], car);
    const int64_t x = std::llround(objects[i]->x), columns = place.far - place.near;
    if (x - place.far < 0 || x + place.far > kReadWidth) continue;
    const at::Tensor ground = (clip.picture.select(1, static_cast<int64_t>(i))
                                   .mean(0)
                                   .narrow(0, place.first, place.end - place.first)
                                   .cpu() +
                               0.02)
                                  .log();
    contrasts.push_back(ground.narrow(1, x + place.near, columns).mean(1) -
                        ground.narrow(1, x - place.far, columns).mean(1));
  }
  if (contrasts.empty()) return 0;
  const at::Tensor rows = at::stack(contrasts).mean(0).view({1, 1, -1});
  const at::Tensor smooth = at::avg_pool1d(rows, kRows, 1).flatten();
  return smooth[smooth.abs().argmax()].item<double>();
}

}  // namespace t3
