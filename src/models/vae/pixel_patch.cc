// Pixel packing as views and one copy.
#include "models/vae/pixel_patch.h"

namespace t3 {

at::Tensor PackPixels(const at::Tensor& x) {
  return x.unflatten(4, {-1, 2})
      .unflatten(3, {-1, 2})  // B,C,T,H,q,W,r
      .permute({0, 1, 6, 4, 2, 3, 5})
      .flatten(1, 3);
}

at::Tensor UnpackPixels(const at::Tensor& x) {
  return x
      .unflatten(1, {-1, 2, 2})  // B,C,r,q,T,H,W
      .permute({0, 1, 4, 5, 3, 6, 2})
      .flatten(5, 6)
      .flatten(3, 4);
}

}  // namespace t3
