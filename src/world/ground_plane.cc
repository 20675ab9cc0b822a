// The ground plane in perspective, and the light on surfaces.
#include <ATen/ATen.h>

#include "world/layers.h"

namespace t3 {

GroundPlane MakeGroundPlane(const SceneStage& stage, double drop) {
  GroundPlane plain;
  const at::Tensor edge = stage.Number(&SceneNumbers::horizon) + drop;
  const at::Tensor below = stage.LayerY() - edge;
  plain.cover = Coverage(-below, stage.pixel);
  // The eye is slightly above the edge, so that the farthest row is at a finite distance.
  plain.depth = 1 / (below.clamp_min(0) + 0.03 + drop);
  plain.across = stage.LayerX(1.0) * plain.depth;
  plain.away = plain.depth * 0.8;
  const at::Tensor sideways = plain.depth * stage.pixel;
  plain.pixel = at::maximum(sideways, sideways * plain.depth * 0.8);
  plain.min_pixel = stage.pixel * 1.5;  // the nearest row is less than 0.47 below the horizon
  return plain;
}

at::Tensor LightOn(const SceneStage& stage, const at::Tensor& lit) {
  return at::addcmul(stage.Color(&SceneNumbers::ambient), stage.Color(&SceneNumbers::sunlight),
                     lit);
}

}  // namespace t3
