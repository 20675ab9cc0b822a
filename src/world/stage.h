// Coordinates, camera and parameters of scenes that are rendered together.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "world/noise.h"
#include "world/numbers.h"
#include "world/world.h"

namespace t3 {

// All tensors broadcast to (scenes B, channels, frames F, rows H, columns W), fp32. Lengths are
// heights of the full picture; x is 0 in its middle, y is 0 at the top and grows downwards.
struct SceneStage {
  // Frames [first, first + count) of the view, for `scenes`.
  SceneStage(std::span<const WorldScene> scenes, const WorldView& view, int64_t first,
             int64_t count, const Noise& table, at::Device device);

  // The rows between heights `top` and `bottom`, those partly inside included; may be empty.
  // `first_row` is the first of them in this stage.
  SceneStage Rows(double top, double bottom) const;

  at::Tensor Number(float SceneNumbers::*member) const;  // (B,1,1,1,1)
  at::Tensor Color(Rgb SceneNumbers::*member) const;     // (B,3,1,1,1)

  // World coordinates of a layer; with `nearness` 1 it moves by the camera's whole pan, else by
  // that fraction. (B,1,F,1,W) and (B,1,F,H,1).
  at::Tensor LayerX(double nearness) const;
  at::Tensor LayerY() const;

  at::Tensor numbers;  // (B, kSceneNumbers)
  at::Tensor x;        // (1,1,1,1,W)
  at::Tensor y;        // (1,1,1,H,1)
  at::Tensor u;        // (1,1,F,1,1): 0 at the first frame, 1 at the last
  at::Tensor seconds;  // (1,1,F,1,1)
  double pixel = 0;    // height of a pixel
  double scale = 1;    // ObjectScale
  double origin = 0;   // height of the upper edge of the first row
  int64_t first_row = 0;
  Noise noise;
};

// Fraction of a pixel inside a shape at the signed `distance` from its edge.
at::Tensor Coverage(const at::Tensor& distance, double pixel);
// 0 below `low`, 1 above `high`, smooth in between.
at::Tensor SmoothStep(const at::Tensor& x, double low, double high);
// A constant colour, (1,3,1,1,1), on the device of `like`.
at::Tensor Literal(const Rgb& color, const at::Tensor& like);

}  // namespace t3
