// Sea: waves in perspective that mirror the sky, and the sun's path of glitter.
#include <ATen/ATen.h>

#include "world/layers.h"

namespace t3 {
namespace {

// The sky's colours as a rough surface mirrors them.
at::Tensor MirroredSky(const SceneStage& stage, const at::Tensor& up) {
  const at::Tensor low = at::lerp(stage.Color(&SceneNumbers::rim),
                                  stage.Color(&SceneNumbers::middle), SmoothStep(up, -0.05, 0.7));
  return at::lerp(low, stage.Color(&SceneNumbers::zenith), SmoothStep(up, 0.3, 1.3));
}

}  // namespace

void PaintSea(const SceneStage& stage, at::Tensor& picture) {
  const GroundPlane plain = MakeGroundPlane(stage, 0);
  const at::Tensor shift = stage.Number(&SceneNumbers::shift_x);
  // Crests are long: waves are finer into the distance than across.
  const at::Tensor waves = stage.noise.Sum(
      plain.across + shift + stage.seconds * 0.10, plain.away * 3.2 - stage.seconds * 0.55,
      {.frequency = 2.2, .gain = 0.66}, plain.pixel * 2.0, plain.min_pixel * 2.0);
  const at::Tensor below = stage.LayerY() - stage.Number(&SceneNumbers::horizon);  // (B,1,F,H,1)
  const at::Tensor mirrored = MirroredSky(stage, (below * 1.7 + waves * 0.16).clamp_(0, 1));
  // Steep views look into the water, flat ones off it.
  const at::Tensor into = (below * 1.25 + 0.10 - waves * 0.20).clamp_(0, 0.85);
  at::Tensor color = at::lerp(mirrored, stage.Color(&SceneNumbers::water), into);
  color.addcmul_(stage.Color(&SceneNumbers::ambient), waves.clamp_min(0) * 0.13);
  const at::Tensor aside =
      (stage.LayerX(0.8) - stage.Number(&SceneNumbers::sun_x)) / (0.05 + 0.22 * below.clamp_min(0));
  const at::Tensor path = at::exp(aside * aside * -1.0);
  const at::Tensor glitter = path * (0.25 + SmoothStep(waves, -0.10, 0.75) * 0.75);
  color.addcmul_(stage.Color(&SceneNumbers::sun), glitter * 0.62);
  picture.lerp_(color.clamp_(0, 1), plain.cover);
}

}  // namespace t3
