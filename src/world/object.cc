// Shapes and colours of the five kinds of object.
#include "world/object.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "world/shapes.h"

namespace t3 {
namespace {

constexpr Rgb kWicker{0.42f, 0.30f, 0.20f}, kDark{0.12f, 0.12f, 0.14f}, kGlass{0.16f, 0.19f, 0.24f},
    kWhite{0.94f, 0.94f, 0.92f}, kBeak{0.30f, 0.26f, 0.22f}, kMetal{0.66f, 0.67f, 0.70f};

// Puts a part over the sprite.
void Add(Sprite& sprite, const Local& at, const at::Tensor& distance, const at::Tensor& color) {
  const at::Tensor cover = Coverage(distance, at.pixel);
  if (!sprite.cover.defined()) {
    sprite.cover = cover;
    sprite.color = color * at::ones_like(cover);
    return;
  }
  sprite.color.lerp_(color, cover);
  sprite.cover = at::maximum(sprite.cover, cover);
}

void Add(Sprite& sprite, const Local& at, const at::Tensor& distance, const Rgb& color) {
  Add(sprite, at, distance, Literal(color, distance));
}

Sprite Balloon(const Local& at) {
  Sprite sprite;
  const auto& [x, y] = std::tie(at.x, at.y);
  const at::Tensor round = Ellipse(x, y, {0, -0.32}, {0.93, 0.93});
  const at::Tensor skirt =
      Polygon(x, y, {{-0.80, 0.15}, {0.80, 0.15}, {0.25, 0.86}, {-0.25, 0.86}});
  // Gores: stripes that follow the meridians.
  const at::Tensor dy = (y + 0.32) / 1.25;
  const at::Tensor meridian = x / (1 - dy * dy).clamp_min_(0.12).sqrt_();
  const at::Tensor shade = 0.92 + 0.08 * at::cos(meridian * 12.0);
  Add(sprite, at, at::minimum(round, skirt), at.paint * shade);
  Add(sprite, at, Polygon(x, y, {{-0.25, 0.84}, {-0.21, 0.84}, {-0.16, 1.12}, {-0.20, 1.12}}),
      kDark);
  Add(sprite, at, Polygon(x, y, {{0.21, 0.84}, {0.25, 0.84}, {0.20, 1.12}, {0.16, 1.12}}), kDark);
  Add(sprite, at, RoundBox(x, y, {0, 1.21}, {0.21, 0.14}, 0.05), kWicker);
  return sprite;
}

Sprite Airship(const Local& at) {
  Sprite sprite;
  const auto& [x, y] = std::tie(at.x, at.y);
  const at::Tensor fins =
      at::minimum(Polygon(x, y, {{-1.95, -0.80}, {-1.45, -0.80}, {-0.95, 0.0}, {-1.80, 0.0}}),
                  Polygon(x, y, {{-1.80, 0.0}, {-0.95, 0.0}, {-1.45, 0.80}, {-1.95, 0.80}}));
  Add(sprite, at, fins, at.paint * 0.85);
  Add(sprite, at, RoundBox(x, y, {0.15, 0.72}, {0.45, 0.15}, 0.08), kDark);
  // Longitudinal panels.
  const at::Tensor width = (1 - (x / 1.95) * (x / 1.95)).clamp_min_(0.1).sqrt_();
  const at::Tensor shade = 0.93 + 0.07 * at::cos(y / width * 14.0);
  Add(sprite, at, Ellipse(x, y, {0, 0}, {1.90, 0.68}), at.paint * shade);
  return sprite;
}

Sprite Bird(const Local& at) {
  Sprite sprite;
  const auto& [x, y] = std::tie(at.x, at.y);
  // Wings are stretched from the shoulder, up and down with the stroke.
  const at::Tensor lift = y / (0.55 + 0.60 * at.stroke);
  const at::Tensor far_wing =
      Polygon(x, lift, {{0.95, -1.35}, {0.62, 0.05}, {-0.10, 0.05}, {0.45, -1.05}});
  Add(sprite, at, far_wing, at.paint * 0.82);
  Add(sprite, at, Polygon(x, y, {{-1.55, -0.20}, {-0.45, -0.14}, {-0.45, 0.16}, {-1.45, 0.26}}),
      at.paint * 0.90);
  Add(sprite, at, Polygon(x, y, {{1.05, -0.24}, {1.42, -0.06}, {1.05, 0.02}}), kBeak);
  Add(sprite, at, Ellipse(x, y, {0, 0.02}, {0.85, 0.28}), at.paint);
  Add(sprite, at, Ellipse(x, y, {0.86, -0.12}, {0.26, 0.24}), at.paint);
  Add(sprite, at, Ellipse(x, y, {0.95, -0.16}, {0.055, 0.055}), kDark);
  const at::Tensor near_wing =
      Polygon(x, lift, {{-1.10, -1.45}, {-0.35, -1.15}, {0.45, 0.08}, {-0.55, 0.08}});
  const at::Tensor feathers = 0.93 + 0.07 * at::cos((x * 0.8 - lift * 0.4) * 16.0);
  Add(sprite, at, near_wing, at.paint * feathers);
  return sprite;
}

Sprite Boat(const Local& at) {
  Sprite sprite;
  const auto& [x, y] = std::tie(at.x, at.y);
  Add(sprite, at, RoundBox(x, y, {0, -0.30}, {0.035, 0.95}, 0.02), kDark);
  const at::Tensor seams = 0.95 + 0.05 * at::cos(y * 20.0);
  Add(sprite, at, Polygon(x, y, {{-0.07, -1.20}, {-0.07, 0.38}, {-1.15, 0.38}}), at.paint * seams);
  Add(sprite, at, Polygon(x, y, {{0.07, -1.05}, {1.10, 0.38}, {0.07, 0.38}}), at.paint * seams);
  Add(sprite, at, Polygon(x, y, {{-1.25, 0.48}, {1.55, 0.44}, {1.00, 1.0}, {-1.00, 1.0}}),
      at.paint * 0.88);
  Add(sprite, at, Polygon(x, y, {{-1.25, 0.48}, {1.55, 0.44}, {1.49, 0.52}, {-1.20, 0.56}}),
      kWhite);
  return sprite;
}

Sprite Car(const Local& at) {
  Sprite sprite;
  const auto& [x, y] = std::tie(at.x, at.y);
  const at::Tensor cabin =
      Polygon(x, y, {{-0.75, -0.82}, {0.45, -0.82}, {0.98, -0.05}, {-1.10, -0.05}});
  Add(sprite, at, cabin, at.paint * 0.95);
  Add(sprite, at, RoundBox(x, y, {0, 0.27}, {1.65, 0.42}, 0.20), at.paint);
  Add(sprite, at, Polygon(x, y, {{-0.62, -0.66}, {-0.15, -0.66}, {-0.15, -0.12}, {-0.86, -0.12}}),
      kGlass);
  Add(sprite, at, Polygon(x, y, {{-0.03, -0.66}, {0.36, -0.66}, {0.72, -0.12}, {-0.03, -0.12}}),
      kGlass);
  Add(sprite, at, Ellipse(x, y, {1.55, 0.16}, {0.09, 0.13}), kWhite);
  for (const double wheel : {-0.95, 0.95}) {
    Add(sprite, at, Ellipse(x, y, {wheel, 0.66}, {0.38, 0.38}), kDark);
    Add(sprite, at, Ellipse(x, y, {wheel, 0.66}, {0.17, 0.17}), kMetal);
  }
  return sprite;
}

}  // namespace

Sprite DrawKind(WorldObject kind, const Local& at) {
  switch (kind) {
    case WorldObject::kBalloon:
      return Balloon(at);
    case WorldObject::kAirship:
      return Airship(at);
    case WorldObject::kBird:
      return Bird(at);
    case WorldObject::kBoat:
      return Boat(at);
    case WorldObject::kCar:
      return Car(at);
  }
  Fail("object: unknown kind {}", static_cast<int>(kind));
}

double FootOf(WorldObject kind) {
  if (kind == WorldObject::kBoat) return 0.92;
  return kind == WorldObject::kCar ? 1.02 : 0;
}

}  // namespace t3
