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
#include "measure/clip_analysis.h"
#include "measure/light_cues.h"
#include "measure/world_features.h"
#include "measure/world_fitted.h"

namespace t3 {
namespace {

constexpr double kStillTravel = 0.10;  // true clips travel 0 or 0.26

// The colour with the largest total area of the frames' largest regions; -1 without any.
template <typename Select>
int CommonColor(const ClipAnalysis& clip, Select select) {
  int64_t votes[5] = {};
  for (const FrameRegions& frame : clip.regions) {
    const std::vector<PaintedRegion> things = select(frame);
    const PaintedRegion* thing = LargestRegion(things);
    if (thing != nullptr) votes[thing->color] += thing->area;
  }
  const int64_t* winner = std::max_element(votes, votes + 5);
  return *winner == 0 ? -1 : static_cast<int>(winner - votes);
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
  const ClipAnalysis clip = AnalyzeClip(video);
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
  ClipAnalysis clip = AnalyzeClip(video);
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
