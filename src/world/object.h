// The five kinds of object as sprites in object coordinates.
#pragma once

#include <ATen/core/Tensor.h>

#include "world/stage.h"

namespace t3 {

// Coverage and colours.
struct Sprite {
  at::Tensor cover;  // (B,1,F,H,W)
  at::Tensor color;  // (B,3,F,H,W)
};

// Object coordinates of the picture's pixels: units of the object's size, x forward, y down, origin
// in its centre.
struct Local {
  at::Tensor x;
  at::Tensor y;
  double pixel = 0;   // approximate size of a pixel in these units
  at::Tensor paint;   // (B,3,1,1,1): the object's colour
  at::Tensor stroke;  // (B,1,F,1,1): 0 to 1, how high wings are
};

Sprite DrawKind(WorldObject kind, const Local& at);

// Height at which an object touches water or ground, in object coordinates; 0 for flying objects.
double FootOf(WorldObject kind);

}  // namespace t3
