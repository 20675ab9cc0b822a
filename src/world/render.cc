// Renders scenes layer by layer, as many scenes and frames at once as fit.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "world/layers.h"
#include "world/world.h"

namespace t3 {
namespace {

// Pixels rendered at once: few enough for a CPU's caches, enough to keep a GPU busy.
constexpr int64_t kCpuPixels = 1 << 17, kGpuPixels = 1 << 25;

// The horizon lies between 0.56 and 0.61; a zoom does not move it.
constexpr double kSkyEnd = 0.63, kGroundBegin = 0.54;

WorldFrames RangeOf(const WorldView& view) {
  return view.range.value_or(WorldFrames{0, view.frames});
}

// `min_side` in pixels.
void CheckView(const WorldView& view, int64_t min_side) {
  T3_CHECK(view.width >= min_side && view.height >= min_side && view.frames >= 1 && view.fps > 0,
           "world: a view of {}x{} with {} frames at {} a second: wanted at least {}x{}, 1 and "
           "more than 0",
           view.width, view.height, view.frames, view.fps, min_side, min_side);
  const WorldFrames range = RangeOf(view);
  T3_CHECK(range.first >= 0 && range.count > 0 && range.first + range.count <= view.frames,
           "world: {} frames from {} are not inside a clip of {}", range.count, range.first,
           view.frames);
  if (!view.crop) return;
  const WorldCrop& c = *view.crop;
  T3_CHECK(c.x >= 0 && c.y >= 0 && c.width > 0 && c.height > 0 && c.x + c.width <= view.width &&
               c.y + c.height <= view.height,
           "world: the crop {}x{} at ({}, {}) is not inside {}x{}", c.width, c.height, c.x, c.y,
           view.width, view.height);
}

template <typename Paint>
void PaintRows(const SceneStage& stage, double top, double bottom, at::Tensor& picture,
               Paint paint) {
  const SceneStage part = stage.Rows(top, bottom);
  if (part.y.size(3) == 0) return;
  at::Tensor rows = picture.narrow(3, part.first_row, part.y.size(3));
  paint(part, rows);
}

void PaintLand(const SceneStage& stage, WorldLand land, at::Tensor& picture) {
  switch (land) {
    case WorldLand::kSea:
      return PaintSea(stage, picture);
    case WorldLand::kMountains:
      return PaintMountains(stage, picture);
    case WorldLand::kCity:
      return PaintCity(stage, picture);
    case WorldLand::kDesert:
      return PaintDesert(stage, picture);
  }
  Fail("world: unknown land {}", static_cast<int>(land));
}

void PaintAll(const SceneStage& stage, WorldLand land, WorldObject kind, at::Tensor& picture) {
  PaintRows(stage, 0, kSkyEnd, picture, [](const SceneStage& part, at::Tensor& rows) {
    PaintSky(part, rows);
    PaintClouds(part, rows);
  });
  // Peaks and towers reach far above the horizon.
  const bool high = land == WorldLand::kMountains || land == WorldLand::kCity;
  PaintRows(stage,
            high                         ? 0.0
            : land == WorldLand::kDesert ? 0.3
                                         : kGroundBegin,
            1, picture,
            [land](const SceneStage& part, at::Tensor& rows) { PaintLand(part, land, rows); });
  PaintRows(stage, kGroundBegin, 1, picture,
            [land, kind](const SceneStage& part, at::Tensor& rows) {
              if (land == WorldLand::kSea) {
                PaintMirrorImage(part, kind, rows);
              } else {
                PaintShadow(part, kind, rows);
              }
            });
  PaintObject(stage, kind, picture);
  PaintRows(stage, 0, 0.5, picture, PaintLanterns);
}

// Scenes with one land and one kind of object, and their indices in `out`.
struct Group {
  std::vector<WorldScene> scenes;
  std::vector<int64_t> places;
};

std::vector<Group> GroupScenes(std::span<const WorldScene> scenes) {
  std::map<std::pair<WorldLand, WorldObject>, Group> groups;
  for (size_t i = 0; i < scenes.size(); ++i) {
    Group& group = groups[{scenes[i].land, scenes[i].object}];
    group.scenes.push_back(scenes[i]);
    group.places.push_back(static_cast<int64_t>(i));
  }
  std::vector<Group> list;
  for (auto& [key, group] : groups) list.push_back(std::move(group));
  return list;
}

// Draws a group into `out` (scenes,C,F,H,W) piece by piece; draw(stage) returns (B,C,F,H,W).
template <typename Draw>
void DrawGroup(const Group& group, const WorldView& view, const Noise& noise, Draw draw,
               at::Tensor& out) {
  const int64_t frame_pixels = out.size(3) * out.size(4);
  const int64_t budget = out.is_cuda() ? kGpuPixels : kCpuPixels;
  const int64_t pictures = std::max<int64_t>(1, budget / frame_pixels);
  const WorldFrames range = RangeOf(view);
  const int64_t frames = std::min(range.count, pictures);
  const int64_t batch = std::max<int64_t>(1, pictures / range.count);
  const int64_t count = static_cast<int64_t>(group.scenes.size());
  for (int64_t scene = 0; scene < count; scene += batch) {
    const int64_t scenes = std::min(batch, count - scene);
    const std::span<const WorldScene> part(group.scenes.data() + scene, scenes);
    for (int64_t first = 0; first < range.count; first += frames) {
      const int64_t count_now = std::min(frames, range.count - first);
      const SceneStage stage(part, view, range.first + first, count_now, noise, out.device());
      const at::Tensor drawn = draw(stage, part[0]);
      for (int64_t i = 0; i < scenes; ++i) {
        out[group.places[scene + i]].narrow(1, first, count_now).copy_(drawn[i]);
      }
    }
  }
}

// (scenes,channels,F,H,W) of `view`, drawn by draw(stage, scene), which reads the land and the kind
// of object of `scene` alone.
template <typename Draw>
at::Tensor DrawScenes(std::span<const WorldScene> scenes, const WorldView& view, int64_t channels,
                      at::Device device, Draw draw) {
  T3_CHECK(!scenes.empty(), "world: there are no scenes to render");
  const at::NoGradGuard no_grad;
  const int64_t rows = view.crop ? view.crop->height : view.height;
  const int64_t columns = view.crop ? view.crop->width : view.width;
  at::Tensor out = at::empty({std::ssize(scenes), channels, RangeOf(view).count, rows, columns},
                             at::TensorOptions(device).dtype(at::kFloat));
  const Noise noise(device);
  for (const Group& group : GroupScenes(scenes)) DrawGroup(group, view, noise, draw, out);
  return out;
}

}  // namespace

at::Tensor RenderScenes(std::span<const WorldScene> scenes, const WorldView& view,
                        at::Device device) {
  CheckView(view, 16);
  return DrawScenes(scenes, view, 3, device, [](const SceneStage& stage, const WorldScene& scene) {
    // Layers blend into the picture, so it must start as zeros: a NaN would persist.
    at::Tensor picture =
        at::zeros({stage.numbers.size(0), 3, stage.u.size(2), stage.y.size(3), stage.x.size(4)},
                  stage.x.options());
    PaintAll(stage, scene.land, scene.object, picture);
    return picture.clamp_(0, 1).mul_(2).sub_(1);
  });
}

at::Tensor ObjectCover(std::span<const WorldScene> scenes, const WorldView& view,
                       at::Device device) {
  CheckView(view, 1);
  return DrawScenes(scenes, view, 1, device,
                    [](const SceneStage& stage, const WorldScene& scene) {
                      return CoverOfObject(stage, scene.object);
                    })
      .squeeze(1);
}

at::Tensor RenderScene(const WorldScene& scene, const WorldView& view, at::Device device) {
  return RenderScenes({&scene, 1}, view, device)[0];
}

}  // namespace t3
