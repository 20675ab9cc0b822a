// Interleaves the four phases of an upsampled feature map.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

// The shortcut around an upsampler of VAE 2.2: models/vae/shortcut.h states the formula.
struct PhaseShortcut {
  at::Tensor source;        // (T',R,W,Cin), or undefined: none
  int64_t first_row = 0;    // row of `source` that is the phases' first
  int64_t time_factor = 1;  // 1 or 2
  int64_t dropped = 0;      // copies of the source's frames that precede `out`'s first

  // How often the source's channels repeat in `channels` of output.
  int64_t Repeats(int64_t channels) const {
    return source.defined() ? channels * time_factor * 4 / source.size(3) : 1;
  }
};

// Puts the four phases of a doubled map in place and adds bias and shortcut, in fp32 with one
// rounding. phases (T,R+1,W+1,4C): pixel (2i+p, 2j+q) of the doubled map of the R x W grid is at
// (i+p, j+q), channels [(2p+q)C, (2p+q+1)C). Row r of `out` (T,R',2W,C), contiguous, is row
// r + first_row of the doubled map. No gradient. Throws Error if shapes do not match.
void PlacePhases(const at::Tensor& phases, const at::Tensor& bias, const PhaseShortcut& shortcut,
                 int64_t first_row, const at::Tensor& out);

}  // namespace t3
