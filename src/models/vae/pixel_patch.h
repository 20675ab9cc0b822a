// Packing of 2x2 pixels into channels (VAE 2.2).
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

// Channel c*4 + r*2 + q holds the pixel of row offset q and column offset r of its block: not the
// order of torch's pixel_shuffle.
at::Tensor PackPixels(const at::Tensor& x);    // (B,C,T,2H,2W) -> (B,4C,T,H,W)
at::Tensor UnpackPixels(const at::Tensor& x);  // (B,4C,T,H,W) -> (B,C,T,2H,2W)

}  // namespace t3
