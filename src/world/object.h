// The five kinds of object as pictures in their own coordinates.
#pragma once

#include <ATen/core/Tensor.h>

#include "world/stage.h"

namespace t3 {

// A picture of a thing: what it covers and its colours.
struct Sprite {
  at::Tensor cover;  // (B,1,F,H,W)
  at::Tensor color;  // (B,3,F,H,W)
};

// Where a sprite is drawn: units of the object's size, x forward, y down, 0 in its middle.
struct Local {
  at::Tensor x;
  at::Tensor y;
  double pixel = 0;   // about the size of a pixel in these units
  at::Tensor paint;   // (B,3,1,1,1): the object's own colour
  at::Tensor stroke;  // (B,1,F,1,1): 0 to 1, how high wings are
};

Sprite DrawKind(WorldObject kind, const Local& at);

// Where an object touches the water or the ground, in its own units; 0 for what flies.
double FootOf(WorldObject kind);

}  // namespace t3
