// Sky: gradient, sun or moon, stars, clouds.
#include <ATen/ATen.h>

#include "world/layers.h"

namespace t3 {
namespace {

constexpr double kSkyNearness = 0.8;

at::Tensor SkyGradient(const SceneStage& stage) {
  const at::Tensor horizon = stage.Number(&SceneNumbers::horizon);
  const at::Tensor up = ((horizon - stage.LayerY()) / horizon).clamp_(0, 1);  // (B,1,F,H,1)
  const at::Tensor low = at::lerp(stage.Color(&SceneNumbers::rim),
                                  stage.Color(&SceneNumbers::middle), SmoothStep(up, -0.05, 0.55));
  return at::lerp(low, stage.Color(&SceneNumbers::zenith), SmoothStep(up, 0.25, 1.15));
}

// Blobs where noise is near its peak, faded out where they are smaller than a pixel.
at::Tensor Stars(const SceneStage& stage, double frequency, double rarity) {
  const at::Tensor shift = stage.Number(&SceneNumbers::shift_x);
  const double fade = std::min(1.0, 0.6 / (frequency * stage.pixel));
  return SmoothStep(stage.noise.At(stage.LayerX(kSkyNearness) * frequency + shift,
                                   stage.LayerY() * frequency + shift),
                    rarity, 1.0)
      .mul_(fade * fade);
}

void AddStars(const SceneStage& stage, at::Tensor& picture) {
  const at::Tensor stars =
      Stars(stage, 70, 0.92) + Stars(stage, 170, 0.88) + Stars(stage, 430, 0.86);
  const at::Tensor height =
      SmoothStep(stage.Number(&SceneNumbers::horizon) - stage.LayerY(), 0.02, 0.35);
  picture.add_(stars * (height * stage.Number(&SceneNumbers::night) * 0.85));
}

void AddSun(const SceneStage& stage, at::Tensor& picture) {
  const at::Tensor dx = stage.LayerX(kSkyNearness) - stage.Number(&SceneNumbers::sun_x);
  const at::Tensor dy = stage.LayerY() - stage.Number(&SceneNumbers::sun_y);
  const at::Tensor square = dx * dx + dy * dy;
  const at::Tensor halo =
      at::exp(square * (-1 / 0.22)) * 0.6 + at::exp(square * (-1 / 0.012)) * 0.7;
  picture.addcmul_(stage.Color(&SceneNumbers::glow), halo);
  const at::Tensor radius = square.sqrt();
  // Seas of the moon; the sun is even.
  const at::Tensor spots = stage.noise.Sum(dx, dy, {.frequency = 30, .gain = 0.6}, stage.pixel) *
                           (stage.Number(&SceneNumbers::night) * 0.12);
  picture.lerp_(stage.Color(&SceneNumbers::sun) - spots.clamp_(-0.02, 0.3),
                Coverage(radius - stage.Number(&SceneNumbers::sun_radius), stage.pixel));
}

}  // namespace

void PaintSky(const SceneStage& stage, at::Tensor& picture) {
  picture.copy_(SkyGradient(stage));
  AddStars(stage, picture);
  AddSun(stage, picture);
}

void PaintClouds(const SceneStage& stage, at::Tensor& picture) {
  // A ceiling in perspective; far clouds are small and thin out into the haze.
  const at::Tensor above = (stage.Number(&SceneNumbers::horizon) - stage.LayerY()).clamp_min_(0);
  const at::Tensor depth = 1 / (above + 0.24);  // (B,1,F,H,1)
  const at::Tensor wind = stage.Number(&SceneNumbers::wind) * stage.seconds;
  const at::Tensor x =
      (stage.LayerX(kSkyNearness) + wind) * depth * 0.80 + stage.Number(&SceneNumbers::shift_y);
  const at::Tensor y = depth * 1.05 + stage.Number(&SceneNumbers::shift_x);
  const at::Tensor pixel = depth * depth * (1.05 * stage.pixel);
  const double min_pixel =
      1.05 * stage.pixel / (0.85 * 0.85);  // overhead, above the highest horizon
  const Octaves octaves{.frequency = 1.7, .gain = 0.52};
  const at::Tensor field = stage.noise.Sum(x, y, octaves, pixel, min_pixel);
  Octaves coarse = octaves;
  coarse.max_octaves = 4;
  const at::Tensor toward = stage.Number(&SceneNumbers::light) * 0.10;
  const at::Tensor beyond = stage.noise.Sum(x + toward, y + 0.10, coarse, pixel, min_pixel);
  const at::Tensor bias = stage.Number(&SceneNumbers::cover) * 0.9 - 0.42;
  const at::Tensor density = SmoothStep(field + bias, 0.0, 0.55);
  const at::Tensor lit = (0.66 + (field - beyond) * 0.85 - density * 0.30).clamp_(0, 1);
  const at::Tensor color =
      at::lerp(stage.Color(&SceneNumbers::cloud_dark), stage.Color(&SceneNumbers::cloud_lit), lit);
  const at::Tensor fade = SmoothStep(above, 0.0, 0.16) * stage.Number(&SceneNumbers::cloudy) * 0.93;
  picture.lerp_(color, density * fade);
  // Thin clouds in front of the sun shine, so that its side shows where they hide the disc.
  const at::Tensor dx = stage.LayerX(kSkyNearness) - stage.Number(&SceneNumbers::sun_x);
  const at::Tensor dy = stage.LayerY() - stage.Number(&SceneNumbers::sun_y);
  const at::Tensor shine = at::exp((dx * dx + dy * dy) * (-1 / 0.025)) * density;
  picture.addcmul_(stage.Color(&SceneNumbers::glow), shine * stage.Number(&SceneNumbers::cloudy));
}

}  // namespace t3
