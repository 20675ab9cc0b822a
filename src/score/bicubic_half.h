// Pictures at half the size by cubic convolution.
#pragma once

#include "score/plane.h"

namespace t3 {

// As Pillow's BICUBIC: a = -0.5, the kernel stretched by 2 against aliasing, windows cut at the
// border. Odd sizes lose half a pixel: the result has floor(n / 2) samples.
Plane BicubicHalf(PlaneView in);

// As OpenCV's INTER_CUBIC: a = -0.75, four samples, the border repeated. Size n / 2, halves rounded
// to even.
Plane BicubicHalfSharp(PlaneView in);

}  // namespace t3
