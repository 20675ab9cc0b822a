// Decoding in overlapping tiles, the way of the published code: what the planned decoder is
// compared with. Not exact: the middle attention sees a tile alone, and seams are blended.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "models/vae/vae.h"

namespace t3 {

struct TiledDecode {
  at::Tensor video;     // (3,F,H,W) fp32 on the CPU; not a number where no tile was decoded
  int64_t decoded = 0;  // tiles
  int64_t tiles = 0;    // all of them
  double part = 1;      // of the area of all tiles
  double seconds = 0;   // for decoding and blending those that were decoded
};

// latents (z,T,h,w). Tiles are a quarter of the frame each way and overlap by half: 7x7 of them,
// three times the work. `most_tiles`: of these no more, spread evenly, for measuring; 0: all.
// `poll` is called for every tile.
TiledDecode DecodeTiled(const Vae& vae, const at::Tensor& latents, int64_t most_tiles,
                        const std::function<void(int64_t done, int64_t total)>& poll);

}  // namespace t3
