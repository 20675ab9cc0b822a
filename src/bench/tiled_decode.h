// Decoding in overlapping tiles, as the published code does, for the planned decoder to compare
// with. Not exact: the middle attention sees one tile only, and seams are blended.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "models/vae/vae.h"

namespace t3 {

struct TiledDecode {
  at::Tensor video;     // (3,F,H,W) fp32 on the CPU; NaN where no tile was decoded
  int64_t decoded = 0;  // tiles
  int64_t tiles = 0;    // in total
  double part = 1;      // of the area of all tiles
  double seconds = 0;   // for decoding and blending
};

// latents (z,T,h,w). Tiles have a quarter of the frame's width and height and overlap by half: 7x7
// of them, three times the work. `max_tiles`: decode only so many, spread evenly; 0: all. `poll` is
// called for every tile.
TiledDecode DecodeTiled(const Vae& vae, const at::Tensor& latents, int64_t max_tiles,
                        const std::function<void(int64_t done, int64_t total)>& poll);

}  // namespace t3
