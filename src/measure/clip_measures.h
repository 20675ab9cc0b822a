// Measures of clips that need no reference to what they show: detail and flicker.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

// All take clips (3, frames, height, width) with values in [-1, 1] on any device, and compute in
// fp32. Luma is BT.709's, in units of the whole range from black to white.

// Fine detail: the mean square, over all pixels but the outermost ones, of luma less its binomial
// blur (1,2,1)/4 in both directions. That keeps the finest band: a pattern with a period of 2
// pixels in both directions counts in full, one of 8 pixels with 2 %. A figure per pixel: compare
// pictures of the same size only. Throws Error below 3x3 pixels.
double DetailEnergy(const at::Tensor& video);

// DetailEnergy of the clip enlarged to `width` x `height` by bicubic interpolation (a = -0.75,
// values clamped to [-1, 1]), a frame at a time: what an enlargement has of fine detail.
double EnlargedDetailEnergy(const at::Tensor& video, int64_t width, int64_t height);

// Flicker: the root of the mean square of x[t-1] - 2 x[t] + x[t+1], where x is luma averaged over
// fields of 1/18 of the height. Even motion and slow fades nearly cancel in the second difference;
// brightness that jumps to and fro does not. No warping, so no error of an optical flow is in it;
// motion across a sharp edge leaves a small floor, so compare with true clips of the same content.
// Throws Error below 3 frames.
double Flicker(const at::Tensor& video);

}  // namespace t3
