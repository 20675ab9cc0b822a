// Palettes and positions of a scene.
#include "world/numbers.h"

#include <algorithm>

#include "world/random.h"

namespace t3 {
namespace {

struct Palette {
  Rgb zenith, middle, rim, sun, glow, cloud_lit, cloud_dark, sunlight, ambient, haze, water;
};

constexpr Palette kDawn = {.zenith = {0.34f, 0.40f, 0.66f},
                           .middle = {0.70f, 0.62f, 0.76f},
                           .rim = {0.97f, 0.77f, 0.76f},
                           .sun = {1.00f, 0.96f, 0.90f},
                           .glow = {0.40f, 0.24f, 0.20f},
                           .cloud_lit = {1.00f, 0.84f, 0.84f},
                           .cloud_dark = {0.56f, 0.50f, 0.66f},
                           .sunlight = {0.52f, 0.40f, 0.40f},
                           .ambient = {0.40f, 0.39f, 0.50f},
                           .haze = {0.84f, 0.72f, 0.79f},
                           .water = {0.22f, 0.28f, 0.42f}};
constexpr Palette kDay = {.zenith = {0.20f, 0.42f, 0.74f},
                          .middle = {0.42f, 0.64f, 0.88f},
                          .rim = {0.78f, 0.88f, 0.95f},
                          .sun = {1.00f, 1.00f, 0.96f},
                          .glow = {0.36f, 0.32f, 0.22f},
                          .cloud_lit = {1.00f, 1.00f, 1.00f},
                          .cloud_dark = {0.60f, 0.66f, 0.75f},
                          .sunlight = {0.62f, 0.58f, 0.50f},
                          .ambient = {0.42f, 0.46f, 0.52f},
                          .haze = {0.70f, 0.80f, 0.90f},
                          .water = {0.06f, 0.25f, 0.38f}};
constexpr Palette kSunset = {.zenith = {0.24f, 0.20f, 0.38f},
                             .middle = {0.68f, 0.38f, 0.36f},
                             .rim = {0.98f, 0.66f, 0.36f},
                             .sun = {1.00f, 0.90f, 0.66f},
                             .glow = {0.46f, 0.26f, 0.10f},
                             .cloud_lit = {0.98f, 0.66f, 0.46f},
                             .cloud_dark = {0.36f, 0.25f, 0.36f},
                             .sunlight = {0.60f, 0.36f, 0.20f},
                             .ambient = {0.30f, 0.25f, 0.31f},
                             .haze = {0.80f, 0.52f, 0.40f},
                             .water = {0.16f, 0.13f, 0.22f}};
constexpr Palette kNight = {.zenith = {0.015f, 0.025f, 0.075f},
                            .middle = {0.04f, 0.065f, 0.15f},
                            .rim = {0.11f, 0.15f, 0.27f},
                            .sun = {0.94f, 0.95f, 1.00f},
                            .glow = {0.15f, 0.17f, 0.23f},
                            .cloud_lit = {0.32f, 0.36f, 0.48f},
                            .cloud_dark = {0.06f, 0.08f, 0.14f},
                            .sunlight = {0.17f, 0.20f, 0.28f},
                            .ambient = {0.07f, 0.09f, 0.15f},
                            .haze = {0.10f, 0.13f, 0.23f},
                            .water = {0.02f, 0.04f, 0.09f}};

constexpr Palette kPalettes[] = {kDawn, kDay, kSunset, kNight};

// Fractions of the picture's width that the object and the camera travel in a clip.
constexpr double kTravel = 0.26, kPan = 0.10;
constexpr double kZoom = 0.28;

void SetPalette(SceneNumbers& n, const Palette& p) {
  n.zenith = p.zenith, n.middle = p.middle, n.rim = p.rim;
  n.sun = p.sun, n.glow = p.glow;
  n.cloud_lit = p.cloud_lit, n.cloud_dark = p.cloud_dark;
  n.sunlight = p.sunlight, n.ambient = p.ambient;
  n.haze = p.haze, n.water = p.water;
}

// Height of the object's centre: boats and cars are below the horizon.
double ObjectHeight(const WorldScene& scene) {
  if (scene.object == WorldObject::kBoat) return scene.horizon + 0.05;
  if (scene.object == WorldObject::kCar) return scene.horizon + 0.18;
  return scene.object_y;
}

}  // namespace

double ObjectScale(double aspect) { return std::min(1.0, aspect * 9 / 16); }

Rgb PaintOf(WorldColor color) {
  constexpr Rgb kPaints[] = {{0.93f, 0.07f, 0.07f},
                             {1.00f, 0.88f, 0.05f},
                             {0.08f, 0.78f, 0.20f},
                             {0.10f, 0.20f, 0.96f},
                             {1.00f, 0.18f, 0.80f}};
  return kPaints[static_cast<int>(color)];
}

SceneNumbers NumbersOf(const WorldScene& scene, double aspect) {
  const double travel = scene.motion == WorldMotion::kStill   ? 0
                        : scene.motion == WorldMotion::kRight ? kTravel
                                                              : -kTravel;
  const double pan = scene.camera == WorldCamera::kPanRight  ? kPan
                     : scene.camera == WorldCamera::kPanLeft ? -kPan
                                                             : 0;
  WorldRandom random(scene.seed ^ 0x7e87ULL);
  SceneNumbers n;
  const auto across = [aspect](double x) { return static_cast<float>((x - 0.5) * aspect); };
  const auto same = [](double x) { return static_cast<float>(x); };
  n.horizon = same(scene.horizon);
  n.sun_x = across(scene.sun_x), n.sun_y = same(scene.sun_y);
  n.sun_radius = same((scene.time == WorldTime::kNight ? 0.042 : 0.036) * ObjectScale(aspect));
  n.light = scene.light == WorldSide::kLeft ? -1 : 1;
  n.pan = same(pan * aspect);
  n.zoom = same(scene.camera == WorldCamera::kZoomIn ? kZoom : 0);
  n.object_from = across(scene.object_x - travel / 2);
  n.object_to = across(scene.object_x + travel / 2);
  n.object_y = same(ObjectHeight(scene));
  n.object_size = same(0.112 * scene.object_size * ObjectScale(aspect));
  n.faces = scene.faces_right ? 1 : -1;
  n.phase = same(scene.phase);
  n.lantern_x = same(aspect / 2 - 0.080 * ObjectScale(aspect));
  n.lantern_y = same(scene.lantern_y);
  n.cover = same(scene.cover);
  n.cloudy = scene.clouds == WorldClouds::kCloudy ? 1 : 0;
  n.wind = same(scene.wind);
  n.relief = same(scene.relief);
  n.night = scene.time == WorldTime::kNight ? 1 : 0;
  n.shift_x = same(random.Pick(512)), n.shift_y = same(random.Pick(512));
  SetPalette(n, kPalettes[static_cast<int>(scene.time)]);
  n.object = PaintOf(scene.color), n.pair = PaintOf(scene.pair);
  return n;
}

}  // namespace t3
