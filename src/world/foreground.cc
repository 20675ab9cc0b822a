// The object, its mirror image in the sea or shadow on land, and the lanterns.
#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

#include "world/layers.h"
#include "world/object.h"
#include "world/shapes.h"

namespace t3 {
namespace {

struct Spot {
  at::Tensor x;     // (B,1,F,1,1): the object's centre
  at::Tensor y;     // (B,1,F,1,1)
  at::Tensor size;  // (B,1,F,1,1)
};

Spot SpotOf(const SceneStage& stage) {
  const at::Tensor from = stage.Number(&SceneNumbers::object_from);
  const at::Tensor to = stage.Number(&SceneNumbers::object_to);
  const at::Tensor growth = 1 + stage.Number(&SceneNumbers::zoom) * (stage.u - 0.5);
  const at::Tensor bob =
      at::sin((stage.seconds * 0.5 + stage.Number(&SceneNumbers::phase)) * (2 * std::numbers::pi)) *
      0.006;
  return {at::lerp(from, to, stage.u), stage.Number(&SceneNumbers::object_y) + bob,
          stage.Number(&SceneNumbers::object_size) * growth};
}

Local LocalOf(const SceneStage& stage, const Spot& spot, const at::Tensor& x, const at::Tensor& y) {
  const at::Tensor beat =
      at::sin((stage.seconds * 1.6 + stage.Number(&SceneNumbers::phase)) * (2 * std::numbers::pi));
  return {.x = (x - spot.x) / spot.size * stage.Number(&SceneNumbers::faces),
          .y = (y - spot.y) / spot.size,
          .pixel = stage.pixel / (0.112 * stage.scale),
          .paint = stage.Color(&SceneNumbers::object),
          .stroke = 0.5 + 0.5 * beat};
}

// Brighter towards the light. Objects keep their colour at night, so that the detector can see it.
at::Tensor Shade(const SceneStage& stage, const Spot& spot) {
  const at::Tensor toward =
      (stage.x - spot.x) / spot.size * stage.Number(&SceneNumbers::light);  // (B,1,F,1,W)
  return (0.86 + toward * 0.15).clamp_(0.66, 1.06) - stage.Number(&SceneNumbers::night) * 0.05;
}

// Cloth, paint, plumage: fine texture that only large pictures show.
at::Tensor Fabric(const SceneStage& stage, const Local& at) {
  return 1 + stage.noise.Sum(at.x * 9.0 + 40, at.y * 9.0 + 40, {.frequency = 1.0, .gain = 0.85},
                             9.0 * at.pixel) *
                 0.022;
}

// Line about which the water mirrors the object: the horizon, or a boat's waterline.
at::Tensor MirrorLine(const SceneStage& stage, WorldObject kind, const Spot& spot) {
  if (FootOf(kind) > 0) return spot.y + spot.size * FootOf(kind);
  return stage.Number(&SceneNumbers::horizon) + stage.u * 0;
}

void PaintLantern(const SceneStage& stage, double side, at::Tensor& picture) {
  const at::Tensor swing =
      at::sin((stage.seconds * 0.4 + stage.Number(&SceneNumbers::phase)) * (2 * std::numbers::pi)) *
      0.003;
  const double unit = 0.062 * stage.scale;
  const at::Tensor x = (stage.x - stage.Number(&SceneNumbers::lantern_x) * side - swing) / unit;
  const at::Tensor y = (stage.y - stage.Number(&SceneNumbers::lantern_y)) / unit;
  const double pixel = stage.pixel / unit;
  const Rgb black{0.10f, 0.09f, 0.10f};
  const at::Tensor cord = at::maximum(x.abs() - 0.06, y + 1.0);
  picture.lerp_(Literal(black, x), Coverage(cord, pixel));
  const at::Tensor body = Ellipse(x, y, {0, 0}, {0.95, 1.25});
  // Paper over ribs, lit from inside.
  const at::Tensor ribs = at::cos(y * 16.0) * 0.05;
  const at::Tensor glow = (1.08 - (x * x + y * y * 0.6) * 0.26 + ribs).clamp_max_(1.04);
  const at::Tensor fibres =
      1 + stage.noise.Sum(x * 6.0, y * 14.0, {.frequency = 1.0, .gain = 0.85}, 14 * pixel) * 0.03;
  picture.lerp_(stage.Color(&SceneNumbers::pair) * (glow * fibres), Coverage(body, pixel));
  const at::Tensor caps = at::minimum(RoundBox(x, y, {0, -1.22}, {0.42, 0.13}, 0.05),
                                      RoundBox(x, y, {0, 1.22}, {0.42, 0.13}, 0.05));
  picture.lerp_(Literal(black, x), Coverage(caps, pixel));
}

}  // namespace

void PaintObject(const SceneStage& stage, WorldObject kind, at::Tensor& picture) {
  const Spot spot = SpotOf(stage);
  const Local at = LocalOf(stage, spot, stage.x, stage.y);
  const Sprite sprite = DrawKind(kind, at);
  picture.lerp_(sprite.color * (Shade(stage, spot) * Fabric(stage, at)), sprite.cover);
}

at::Tensor CoverOfObject(const SceneStage& stage, WorldObject kind) {
  return DrawKind(kind, LocalOf(stage, SpotOf(stage), stage.x, stage.y)).cover;
}

void PaintMirrorImage(const SceneStage& stage, WorldObject kind, at::Tensor& picture) {
  const Spot spot = SpotOf(stage);
  const at::Tensor line = MirrorLine(stage, kind, spot);
  const at::Tensor below = (stage.y - line).clamp_min(0);  // (B,1,F,H,1)
  // Waves shift the image sideways, more towards the eye.
  const at::Tensor shift = stage.Number(&SceneNumbers::shift_y);
  const at::Tensor ripple =
      stage.noise.Sum(stage.x * 4.0 + shift,
                      stage.y * 46.0 / (0.4 + below * 2) + stage.seconds * 1.5,
                      {.frequency = 1.0, .gain = 0.6}, 40 * stage.pixel) *
      (below * 0.06 + 0.003);
  const Local at = LocalOf(stage, spot, stage.x + ripple, line * 2 - stage.y + ripple * 0.7);
  const Sprite sprite = DrawKind(kind, at);
  const at::Tensor strength = Coverage(line - stage.y, stage.pixel) * (0.66 - below * 0.25);
  picture.lerp_(sprite.color * (Shade(stage, spot) * 0.82), sprite.cover * strength);
}

void PaintShadow(const SceneStage& stage, WorldObject kind, at::Tensor& picture) {
  const Spot spot = SpotOf(stage);
  const bool stands = FootOf(kind) > 0;
  // Away from the light; a flying object's shadow lies on the ground far below it.
  const at::Tensor away = stage.Number(&SceneNumbers::light) * (stands ? -0.75 : -1.1);
  const at::Tensor y =
      stands ? spot.y + spot.size * FootOf(kind) : stage.Number(&SceneNumbers::horizon) + 0.27;
  const at::Tensor dx = (stage.x - spot.x) / spot.size - away;
  const at::Tensor dy = (stage.y - y) / spot.size;
  const at::Tensor shape = Ellipse(dx, dy, {0, 0}, {stands ? 1.75 : 1.3, stands ? 0.17 : 0.22});
  const at::Tensor cover = SmoothStep(-shape, -0.05, 0.12);
  const at::Tensor strength = 0.55 - 0.30 * stage.Number(&SceneNumbers::night);
  picture.mul_(1 - cover * strength);
}

void PaintLanterns(const SceneStage& stage, at::Tensor& picture) {
  PaintLantern(stage, -1, picture);
  PaintLantern(stage, 1, picture);
}

}  // namespace t3
