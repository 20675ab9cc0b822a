// Mountains: four ridges of rock, snow and forest in the haze, and a meadow before them.
#include <ATen/ATen.h>

#include <cmath>

#include "world/layers.h"

namespace t3 {
namespace {

struct Ridge {
  double base;       // above the horizon
  double height;     // of its peaks over that, low and high relief differ by half
  double frequency;  // peaks a height of the picture
  double haze;
  double nearness;
  bool forest;
};
constexpr Ridge kRidges[] = {{0.090, 0.26, 1.3, 0.66, 0.86, false},
                             {0.050, 0.20, 1.9, 0.42, 0.92, false},
                             {0.010, 0.12, 2.6, 0.22, 0.96, true},
                             {-0.03, 0.07, 3.4, 0.08, 1.00, true}};

void PaintRidge(const SceneStage& stage, const Ridge& ridge, double seed, at::Tensor& picture) {
  const at::Tensor x = stage.LayerX(ridge.nearness);
  const at::Tensor y = stage.LayerY();
  const at::Tensor shift = stage.Number(&SceneNumbers::shift_x) + seed * 37.0;
  const at::Tensor line =
      stage.noise.Sum(x + shift, shift, {.frequency = ridge.frequency, .gain = 0.47}, stage.pixel);
  const at::Tensor relief = 0.75 + 0.5 * stage.Number(&SceneNumbers::relief);
  const at::Tensor top = stage.Number(&SceneNumbers::horizon) - ridge.base -
                         (line * 0.5 + 0.5).clamp_min(0.05) * relief * ridge.height;
  const at::Tensor below = y - top;  // (B,1,F,H,W): depth below the ridge line
  // Faces lean towards the light or away from it: noise along slanted lines.
  const at::Tensor lean = stage.Number(&SceneNumbers::light);
  const at::Tensor slanted = x + y * lean * 0.55;
  const at::Tensor faces = stage.noise.Sum(
      slanted + shift, y * 0.45 + shift,
      {.frequency = ridge.forest ? 16.0 : 7.0, .gain = ridge.forest ? 0.84 : 0.74}, stage.pixel);
  const at::Tensor lit = (0.52 + faces * 0.36).clamp_(0, 1);
  const Rgb rock{0.47f, 0.44f, 0.43f}, snow{0.97f, 0.97f, 1.0f}, trees{0.17f, 0.29f, 0.18f};
  at::Tensor surface;
  if (ridge.forest) {
    surface = Literal(trees, x) * (1.15 + faces * 0.5);
  } else {
    const at::Tensor snowy = SmoothStep(0.085 - below + faces * 0.06, 0.0, 0.04);
    surface = at::lerp(Literal(rock, x), Literal(snow, x), snowy);
  }
  at::Tensor color = surface * LightOn(stage, lit) * 1.05;
  const at::Tensor haze = (ridge.haze + below * 0.9).clamp_(0, std::min(0.92, ridge.haze + 0.3));
  color = at::lerp(color, stage.Color(&SceneNumbers::haze), haze);
  picture.lerp_(color, Coverage(-below, stage.pixel));
}

void PaintMeadow(const SceneStage& stage, at::Tensor& picture) {
  const GroundPlane plain = MakeGroundPlane(stage, 0.055);
  const at::Tensor shift = stage.Number(&SceneNumbers::shift_y);
  const at::Tensor grass =
      stage.noise.Sum(plain.across + shift, plain.away * 1.4 + shift,
                      {.frequency = 1.6, .gain = 0.86}, plain.pixel, plain.min_pixel);
  const Rgb light_green{0.50f, 0.58f, 0.30f}, dark_green{0.25f, 0.36f, 0.18f};
  const at::Tensor surface = at::lerp(Literal(dark_green, grass), Literal(light_green, grass),
                                      (grass * 0.38 + 0.5).clamp_(0, 1));
  picture.lerp_(surface * LightOn(stage, (0.62 + grass * 0.2).clamp_(0, 1)), plain.cover);
}

}  // namespace

void PaintMountains(const SceneStage& stage, at::Tensor& picture) {
  double seed = 1;
  for (const Ridge& ridge : kRidges) PaintRidge(stage, ridge, seed++, picture);
  PaintMeadow(stage, picture);
}

}  // namespace t3
