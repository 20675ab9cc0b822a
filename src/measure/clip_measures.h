// Detail and flicker of clips, whatever they show.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

// All take clips (3, frames, height, width) in [-1, 1] on any device and compute in fp32. Luma is
// BT.709, 0 (black) to 1 (white).

// Fine detail: the mean square, over all pixels but the outermost ones, of luma minus its binomial
// blur (1,2,1)/4 in both directions. That is the finest band: a pattern with a period of 2 pixels
// in both directions counts fully, one of 8 pixels with 2 %. A value per pixel: compare only
// pictures of one size. Throws Error below 3x3 pixels.
double DetailEnergy(const at::Tensor& video);

// DetailEnergy of the clip enlarged to `width` x `height` by bicubic interpolation (a = -0.75,
// values clamped to [-1, 1]), frame by frame.
double EnlargedDetailEnergy(const at::Tensor& video, int64_t width, int64_t height);

// Flicker: the root of the mean square of x[t-1] - 2 x[t] + x[t+1], where x is luma averaged over
// fields of 1/18 of the height. Uniform motion and slow fades nearly cancel in the second
// difference; brightness that alternates does not. There is no warping and so no optical-flow
// error, but motion across sharp edges leaves a small floor: compare with true clips of the same
// content. Throws Error below 3 frames.
double Flicker(const at::Tensor& video);

}  // namespace t3
