// Desert: dunes with a lit and a dark side, and rippled sand before them.
#include <ATen/ATen.h>

#include "world/layers.h"

namespace t3 {
namespace {

constexpr Rgb kSand{0.98f, 0.78f, 0.54f};

struct Dune {
  double base, height, frequency, haze, nearness;
};
constexpr Dune kDunes[] = {
    {0.005, 0.13, 0.8, 0.40, 0.88}, {-0.035, 0.11, 1.0, 0.20, 0.94}, {-0.09, 0.10, 1.2, 0.06, 1.0}};

void PaintDune(const SceneStage& stage, const Dune& dune, double seed, at::Tensor& picture) {
  const at::Tensor x = stage.LayerX(dune.nearness);
  const at::Tensor y = stage.LayerY();
  const at::Tensor shift = stage.Number(&SceneNumbers::shift_x) + seed * 23.0;
  // Folded noise: sharp crests, round valleys.
  const auto line = [&](const at::Tensor& at) {
    const at::Tensor n = stage.noise.At(at * dune.frequency + shift, shift + 0.5);
    const at::Tensor m = stage.noise.At(at * (dune.frequency * 2.1) + shift, shift + 7.5);
    return 1 - n.abs() * 1.15 + m * 0.22;
  };
  const at::Tensor relief = 0.75 + 0.5 * stage.Number(&SceneNumbers::relief);
  const at::Tensor top =
      stage.Number(&SceneNumbers::horizon) - dune.base - line(x) * relief * dune.height;
  const at::Tensor below = y - top;
  // A slope that rises away from the light is lit. Ridges run slantwise down towards the eye.
  const at::Tensor light = stage.Number(&SceneNumbers::light);
  const at::Tensor foot = x + below.clamp_min(0) * (light * 1.6);
  const at::Tensor toward = (line(foot - 0.012) - line(foot + 0.012)) * (light * 42);
  const at::Tensor steep = SmoothStep(toward, -0.9, 0.9);
  const at::Tensor depth = SmoothStep(below, 0.02, 0.20);
  const at::Tensor ripples = stage.noise.Sum(x + below * 0.9 + shift, y * 4.0 + shift,
                                             {.frequency = 9, .gain = 0.72}, stage.pixel * 4) *
                             0.10;
  const at::Tensor lit = (steep * 0.95 + (0.55 - steep * 0.95) * depth + ripples).clamp_(0, 1);
  const at::Tensor grain =
      stage.noise.Sum(x + shift, y + shift, {.frequency = 40, .gain = 1.0}, stage.pixel) * 0.045;
  const at::Tensor color = Literal(kSand, x) * (LightOn(stage, lit) + grain);
  picture.lerp_(at::lerp(color, stage.Color(&SceneNumbers::haze), dune.haze),
                Coverage(-below, stage.pixel));
}

void PaintSand(const SceneStage& stage, at::Tensor& picture) {
  const GroundPlane plain = MakeGroundPlane(stage, 0.10);
  const at::Tensor shift = stage.Number(&SceneNumbers::shift_y);
  const at::Tensor broad = stage.noise.Sum(plain.across + shift, plain.away + shift,
                                           {.frequency = 0.7, .gain = 0.5, .max_octaves = 3},
                                           plain.pixel, plain.min_pixel);
  // Ripples across the wind, bent by the broad shapes; finer ones between them.
  const at::Tensor fine =
      stage.noise.Sum(plain.across * 0.8 + broad * 0.6 + shift, plain.away * 4.5 + broad * 0.8,
                      {.frequency = 3.0, .gain = 0.80}, plain.pixel * 3, plain.min_pixel * 2.2);
  const at::Tensor lit = (0.58 + broad * 0.20 + fine * 0.17).clamp_(0, 1);
  const at::Tensor cover = plain.cover * SmoothStep(1 / plain.depth, 0.12, 0.24);
  picture.lerp_(Literal(kSand, lit) * LightOn(stage, lit), cover);
}

}  // namespace

void PaintDesert(const SceneStage& stage, at::Tensor& picture) {
  double seed = 1;
  for (const Dune& dune : kDunes) PaintDune(stage, dune, seed++, picture);
  PaintSand(stage, picture);
}

}  // namespace t3
