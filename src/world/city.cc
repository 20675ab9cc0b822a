// City: three rows of buildings with windows, lit at night, and a paved square before them.
#include <ATen/ATen.h>

#include "world/layers.h"

namespace t3 {
namespace {

struct Row {
  double lot;        // width of a building's ground
  double low, high;  // heights of buildings above the horizon
  double window;     // width of a window's field
  double haze, nearness;
};
constexpr Row kRows[] = {{0.13, 0.10, 0.30, 0.016, 0.55, 0.88},
                         {0.17, 0.05, 0.22, 0.022, 0.26, 0.94},
                         {0.24, 0.01, 0.11, 0.030, 0.08, 1.00}};
constexpr double kStreet = 0.05;  // below the horizon, where buildings end

// A stripe of width `share` in every field of `coordinate`, as the part of a pixel that it covers.
at::Tensor Stripes(const at::Tensor& part, double share, double pixels_per_field) {
  const at::Tensor inside = (share / 2 - (part - 0.5).abs()) * pixels_per_field + 0.5;
  return inside.clamp_(0, std::min(1.0, share * pixels_per_field));
}

// Light in [0, 1] of the windows; (B,1,F,H,W).
at::Tensor Windows(const SceneStage& stage, const Row& row, const at::Tensor& x,
                   const at::Tensor& down, const at::Tensor& building) {
  const double tall = row.window * 1.25;
  const double pixels = row.window / stage.pixel;
  const at::Tensor column = x / row.window, level = down / tall;
  const at::Tensor pane = Stripes(column - column.floor(), 0.55, pixels) *
                          Stripes(level - level.floor(), 0.60, pixels * 1.25);
  const at::Tensor night = stage.Number(&SceneNumbers::night);
  const at::Tensor draw =
      stage.noise.At(column.floor() + building * 3, level.floor() + building * 7);
  // By night about half of the windows are lit, each with a different strength; by day glass is
  // dark.
  const at::Tensor lit = SmoothStep(draw, -0.15, 0.35) * night - 0.30 * (1 - night);
  return pane * lit;
}

void PaintRow(const SceneStage& stage, const Row& row, double seed, at::Tensor& picture) {
  const at::Tensor x = stage.LayerX(row.nearness);
  const at::Tensor y = stage.LayerY();
  const at::Tensor shift = stage.Number(&SceneNumbers::shift_x) + seed * 31.0;
  const at::Tensor place = x / row.lot;
  const at::Tensor building = place.floor();
  const at::Tensor part = place - building;  // 0 to 1 across the lot
  const at::Tensor draw = stage.noise.At(building + shift, shift) * 0.5 + 0.5;
  const at::Tensor other = stage.noise.At(building + shift, shift + 5) * 0.5 + 0.5;
  const at::Tensor relief = 0.8 + 0.4 * stage.Number(&SceneNumbers::relief);
  const at::Tensor horizon = stage.Number(&SceneNumbers::horizon);
  const at::Tensor top = horizon - (row.low + (row.high - row.low) * draw) * relief;
  // Some buildings end in a narrower storey.
  const at::Tensor half = 0.40 + 0.12 * other;
  const at::Tensor from_middle = (part - 0.5).abs();
  const at::Tensor body = (from_middle - half) * row.lot;
  const at::Tensor crown = (from_middle - half * 0.55) * row.lot;
  const at::Tensor storey = top - 0.035 * SmoothStep(other, 0.3, 0.5) * relief;
  const at::Tensor cover =
      at::maximum(Coverage(body, stage.pixel) * Coverage(top - y, stage.pixel),
                  Coverage(crown, stage.pixel) * Coverage(storey - y, stage.pixel));
  const at::Tensor ground = Coverage(y - (horizon + kStreet), stage.pixel);
  // One side of a building faces the light.
  const at::Tensor turned = (part - 0.5) * stage.Number(&SceneNumbers::light);
  const at::Tensor lit = 0.25 + 0.60 * SmoothStep(turned, -0.12, -0.08 + 0.2);
  const at::Tensor facade =
      stage.noise.Sum(x + shift, y * 2 + shift, {.frequency = 60, .gain = 0.95}, stage.pixel * 2);
  const Rgb grey{0.62f, 0.60f, 0.62f}, brick{0.66f, 0.52f, 0.46f}, lamp{1.0f, 0.84f, 0.56f};
  const at::Tensor wall = at::lerp(Literal(grey, x), Literal(brick, x), other) * (0.8 + 0.4 * draw);
  const at::Tensor windows = Windows(stage, row, x, y - top, building);
  const at::Tensor shade = 1 + facade * 0.07 + windows.clamp_max(0) * 1.5;
  at::Tensor color = wall * LightOn(stage, lit) * shade;
  color = at::lerp(color, stage.Color(&SceneNumbers::haze), row.haze);
  color = at::lerp(color, Literal(lamp, x), windows.clamp_min(0) * (1 - 0.45 * row.haze));
  picture.lerp_(color, cover * ground);
}

void PaintSquare(const SceneStage& stage, at::Tensor& picture) {
  const GroundPlane plain = MakeGroundPlane(stage, kStreet);
  const at::Tensor shift = stage.Number(&SceneNumbers::shift_y);
  const at::Tensor rough =
      stage.noise.Sum(plain.across + shift, plain.away + shift, {.frequency = 2.0, .gain = 0.85},
                      plain.pixel, plain.min_pixel);
  // Slabs: joints that fade where they are finer than pixels.
  const auto joints = [&](const at::Tensor& coordinate, double count) {
    const at::Tensor field = coordinate * count;
    const at::Tensor pixels = 1 / (plain.pixel * count);
    const at::Tensor edge = 0.5 - (field - field.floor() - 0.5).abs();
    return ((0.03 - edge) * pixels + 0.5).clamp(0, 1) * SmoothStep(pixels, 2.0, 6.0);
  };
  const at::Tensor joint = at::maximum(joints(plain.across, 5), joints(plain.away, 5));
  const Rgb stone{0.50f, 0.50f, 0.53f};
  const at::Tensor shade = (1 + rough * 0.16) * (1 - joint * 0.35);
  const at::Tensor lit = at::full({1}, 0.55, shade.options());
  at::Tensor color = Literal(stone, shade) * LightOn(stage, lit) * shade;
  // Street lamps' warmth at night, strongest near the buildings.
  const Rgb warm{0.34f, 0.26f, 0.16f};
  color.addcmul_(Literal(warm, shade) * stage.Number(&SceneNumbers::night),
                 (0.6 - 1.2 / plain.depth).clamp_min(0) * shade);
  picture.lerp_(color, plain.cover);
}

}  // namespace

void PaintCity(const SceneStage& stage, at::Tensor& picture) {
  double seed = 1;
  for (const Row& row : kRows) PaintRow(stage, row, seed++, picture);
  PaintSquare(stage, picture);
}

}  // namespace t3
