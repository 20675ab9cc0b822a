// The layers of a picture, from back to front.
#pragma once

#include <ATen/core/Tensor.h>

#include "world/stage.h"

namespace t3 {

// Each paints over `picture`, (B,3,F,H,W) with values from 0 to 1, of the same rows as the stage.
void PaintSky(const SceneStage& stage, at::Tensor& picture);
void PaintClouds(const SceneStage& stage, at::Tensor& picture);
void PaintSea(const SceneStage& stage, at::Tensor& picture);
void PaintMountains(const SceneStage& stage, at::Tensor& picture);
void PaintCity(const SceneStage& stage, at::Tensor& picture);
void PaintDesert(const SceneStage& stage, at::Tensor& picture);
void PaintLanterns(const SceneStage& stage, at::Tensor& picture);

// The object, and at sea its mirror image, elsewhere its shadow. One kind for the whole batch.
void PaintMirrorImage(const SceneStage& stage, WorldObject kind, at::Tensor& picture);
void PaintShadow(const SceneStage& stage, WorldObject kind, at::Tensor& picture);
void PaintObject(const SceneStage& stage, WorldObject kind, at::Tensor& picture);

// The fraction of each pixel that the object covers, (B,1,F,H,W).
at::Tensor CoverOfObject(const SceneStage& stage, WorldObject kind);

// The ground in perspective below the horizon.
struct GroundPlane {
  at::Tensor cover;   // (B,1,F,H,1): 1 below the horizon
  at::Tensor depth;   // (B,1,F,H,1): 1 / distance below the horizon, in heights^-1
  at::Tensor across;  // (B,1,F,H,W): coordinate to the right
  at::Tensor away;    // (B,1,F,H,1): coordinate into the distance
  at::Tensor pixel;   // (B,1,F,H,1): longer side of a pixel on the ground
  double min_pixel = 0;
};
// `drop`: how far below the horizon the ground begins.
GroundPlane MakeGroundPlane(const SceneStage& stage, double drop);

// fp32 factor per channel for a surface lit with strength `lit` (0 to 1).
at::Tensor LightOn(const SceneStage& stage, const at::Tensor& lit);

}  // namespace t3
