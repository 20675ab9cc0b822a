// Decoding in overlapping tiles, the way of the published code: what the planned decoder is
// compared with. Not exact: the middle attention sees a tile alone, and seams are blended.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "models/vae/vae.h"

namespace t3 {

// latents (z,T,h,w) -> (3,F,H,W) fp32 on the CPU. Tiles are a quarter of the frame each way and
// overlap by half: 7x7 of them, three times the work. `poll` is called for every tile.
at::Tensor DecodeTiled(const Vae& vae, const at::Tensor& latents,
                       const std::function<void(int64_t done, int64_t total)>& poll);

}  // namespace t3
