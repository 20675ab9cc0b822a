// The detector: colours and motion by rules; land, time, clouds, light and kind of object by the
// fitted coefficients.
#include "measure/world_detector.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "measure/camera_move.h"
#include "measure/paint.h"
#include "measure/world_features.h"
#include "measure/world_fitted.h"
#include "world/numbers.h"

namespace t3 {
namespace {

// Lanterns hang within this fraction of the width at both edges; objects stay between.
constexpr double kEdge = 0.11;
// An object or lantern covers at least 300 pixels at 256x144; fragments after a blur are smaller.
constexpr int64_t kMinArea = 70;
constexpr double kStillTravel = 0.10;  // true clips travel 0 or 0.26

struct FrameRegions {
  std::vector<PaintedRegion> left, middle, right;
};

// What every measure needs of a clip.
struct ClipAnalysis {
  at::Tensor picture;  // (3, F, 144, 256) in [0, 1]
  at::Tensor map;      // (F, 144, 256) int8 on the CPU
  at::Tensor free;     // (F, 144, 256) fp32: 1 where neither object nor lantern is near
  std::vector<FrameRegions> regions;  // by frame
};

at::Tensor FreeOf(const at::Tensor& map) {
  const at::Tensor painted = (map >= 0).to(at::kFloat).unsqueeze(1);
  at::Tensor free = 1 - at::max_pool2d(painted, 9, 1, 4).squeeze(1);
  const int64_t edge = std::llround(kEdge * kReadWidth);
  free.narrow(2, 0, edge).zero_();
  free.narrow(2, kReadWidth - edge, edge).zero_();
  return free;
}

ClipAnalysis Analyze(const at::Tensor& video) {
  ClipAnalysis clip{.picture = ReadingSize(video), .map = {}, .free = {}, .regions = {}};
  const at::Tensor map = PaintMap(clip.picture);
  clip.free = FreeOf(map);
  clip.map = map.cpu();
  for (int64_t frame = 0; frame < clip.map.size(0); ++frame) {
    FrameRegions& sorted = clip.regions.emplace_back();
    for (const PaintedRegion& thing : FindRegions(clip.map[frame], kMinArea)) {
      auto& place = thing.x < kEdge * kReadWidth         ? sorted.left
                    : thing.x > (1 - kEdge) * kReadWidth ? sorted.right
                                                         : sorted.middle;
      place.push_back(thing);
    }
  }
  return clip;
}

const PaintedRegion* Largest(const std::vector<PaintedRegion>& things) {
  const auto largest = std::max_element(
      things.begin(), things.end(), [](const auto& a, const auto& b) { return a.area < b.area; });
  return largest == things.end() ? nullptr : &*largest;
}

// The colour with the largest total area of the frames' largest regions; -1 without any.
template <typename Select>
int CommonColor(const ClipAnalysis& clip, Select select) {
  int64_t votes[5] = {};
  for (const FrameRegions& frame : clip.regions) {
    const std::vector<PaintedRegion> things = select(frame);
    const PaintedRegion* thing = Largest(things);
    if (thing != nullptr) votes[thing->color] += thing->area;
  }
  const int64_t* winner = std::max_element(votes, votes + 5);
  return *winner == 0 ? -1 : static_cast<int>(winner - votes);
}

// At sea a region straight below another of its colour, and not much larger, is its mirror image.
void DropMirrorImages(ClipAnalysis& clip) {
  constexpr int64_t kMargin = 6;  // waves move an image a little beyond its object
  for (FrameRegions& frame : clip.regions) {
    const std::vector<PaintedRegion> all = frame.middle;
    std::erase_if(frame.middle, [&all](const PaintedRegion& image) {
      return std::any_of(all.begin(), all.end(), [&image](const PaintedRegion& thing) {
        return thing.color == image.color && thing.bottom < image.top + 3 &&
               image.left > thing.left - kMargin && image.right < thing.right + kMargin &&
               image.area < 2 * thing.area;
      });
    });
  }
}

// The object of each frame: the largest region between the lanterns; nullptr without one.
std::vector<const PaintedRegion*> ObjectByFrame(const ClipAnalysis& clip) {
  std::vector<const PaintedRegion*> objects;
  for (const FrameRegions& frame : clip.regions) objects.push_back(Largest(frame.middle));
  return objects;
}

// Fits a straight line to the object's positions over time.
void ReadPath(const ClipAnalysis& clip, WorldReading& reading) {
  const std::vector<const PaintedRegion*> objects = ObjectByFrame(clip);
  std::vector<double> t, x, y;
  double count = 0;
  for (size_t i = 0; i < objects.size(); ++i) {
    count += static_cast<double>(clip.regions[i].middle.size());
    if (objects[i] == nullptr) continue;
    t.push_back(static_cast<double>(i) / static_cast<double>(objects.size() - 1));
    x.push_back(objects[i]->x), y.push_back(objects[i]->y);
  }
  reading.objects = count / static_cast<double>(objects.size());
  reading.frames_seen = static_cast<double>(t.size()) / static_cast<double>(objects.size());
  if (t.size() < 2) return;
  const auto options = at::TensorOptions().dtype(at::kDouble);
  const at::Tensor times = at::tensor(t, options) - at::tensor(t, options).mean();
  const at::Tensor places = at::stack({at::tensor(x, options), at::tensor(y, options)});
  const at::Tensor from = places - places.mean(1, true);
  const at::Tensor slope = (from * times).sum(1, true) / times.square().sum();
  reading.travel = slope[0].item<double>() / kReadWidth;
  reading.path_error =
      (from - slope * times).square().sum(0).mean().sqrt().item<double>() / kReadHeight;
}

int MotionOf(const WorldReading& reading) {
  if (std::abs(reading.travel) < kStillTravel) return static_cast<int>(WorldMotion::kStill);
  return static_cast<int>(reading.travel > 0 ? WorldMotion::kRight : WorldMotion::kLeft);
}

bool PairMatches(const ClipAnalysis& clip) {
  int64_t matched = 0;
  for (const FrameRegions& frame : clip.regions) {
    if (frame.left.size() != 1 || frame.right.size() != 1) continue;
    const PaintedRegion &a = frame.left[0], &b = frame.right[0];
    matched += a.color == b.color && std::abs(a.y - b.y) < 0.03 * kReadHeight;
  }
  return static_cast<double>(matched) > 0.9 * static_cast<double>(clip.regions.size());
}

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

// Relative increase of brightness to the right over the lower half of the object (a bird's wings
// are shaded differently), summed over frames.
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

// Log ratio of the ground's brightness to the right and left of the object, in the rows where the
// sides differ most.
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

at::Tensor MeanObjectFeatures(const ClipAnalysis& clip) {
  const std::vector<const PaintedRegion*> objects = ObjectByFrame(clip);
  at::Tensor sum = at::zeros({kObjectFeatures}, at::kFloat);
  double count = 0;
  for (size_t i = 0; i < objects.size(); ++i) {
    if (objects[i] == nullptr) continue;
    sum += ObjectFeatures(clip.map[static_cast<int64_t>(i)], *objects[i]);
    ++count;
  }
  return sum / std::max(count, 1.0);
}

}  // namespace

WorldFeatures FeaturesOf(const at::Tensor& video) {
  const at::NoGradGuard no_grad;
  const ClipAnalysis clip = Analyze(video);
  return {SceneFeatures(clip.picture, clip.free), MeanObjectFeatures(clip)};
}

std::array<std::pair<const char*, bool>, 5> WorldReading::Constraints(bool at_sea) const {
  return {{{"one_object", OneObject()},
           {"pair_matched", pair_matched},
           {"path_continuous", PathContinuous()},
           {"shading", shading_matches},
           {at_sea ? "mirror" : "shadow", at_sea ? MirrorPresent() : ShadowPresent()}}};
}

WorldReading ReadWorld(const at::Tensor& video) {
  const at::NoGradGuard no_grad;
  ClipAnalysis clip = Analyze(video);
  WorldReading reading;
  reading.values = ReadFitted({SceneFeatures(clip.picture, clip.free), MeanObjectFeatures(clip)});
  const auto set = [&](WorldAttribute attribute, int value) {
    reading.values[static_cast<size_t>(attribute)] = value;
  };
  const auto get = [&](WorldAttribute attribute) {
    return reading.values[static_cast<size_t>(attribute)];
  };
  const bool sea = get(WorldAttribute::kLand) == static_cast<int>(WorldLand::kSea);
  if (sea) {
    DropMirrorImages(clip);
    reading.mirror = MirrorOf(clip);
  }
  ReadPath(clip, reading);
  set(WorldAttribute::kColor, CommonColor(clip, [](const auto& f) { return f.middle; }));
  set(WorldAttribute::kPair, CommonColor(clip, [](const auto& f) {
        std::vector<PaintedRegion> both = f.left;
        both.insert(both.end(), f.right.begin(), f.right.end());
        return both;
      }));
  set(WorldAttribute::kMotion, MotionOf(reading));
  set(WorldAttribute::kCamera, static_cast<int>(ReadCamera(clip.picture, clip.free)));
  reading.pair_matched = PairMatches(clip);
  const bool light_right = get(WorldAttribute::kLight) == static_cast<int>(WorldSide::kRight);
  if (!sea) {
    const bool car = get(WorldAttribute::kObject) == static_cast<int>(WorldObject::kCar);
    // The shadow falls to the left when the light is on the right.
    reading.shadow = GroundContrast(clip, car) * (light_right ? 1 : -1);
  }
  reading.shading_matches = reading.frames_seen > 0 && (ShadingOf(clip) > 0) == light_right;
  if (reading.frames_seen == 0) {
    set(WorldAttribute::kObject, -1), set(WorldAttribute::kMotion, -1);
  }
  return reading;
}

}  // namespace t3
