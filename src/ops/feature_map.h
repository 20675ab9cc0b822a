// Elementwise work on the VAE's feature maps, for inference. Maps are (frames, rows, columns,
// channels); each frame is contiguous, frames may lie apart (a range of rows of a larger map).
// Results overwrite memory, so gradients must be off.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

// y = x + bias; with gamma y = y / max(|y|, 1e-12) * gamma, |y| the L2 norm over the channels, then
// y * sigmoid(y) if `silu`. In fp32 with one rounding.
struct NormSiluOptions {
  at::Tensor bias;   // (C) fp32, or undefined: none
  at::Tensor gamma;  // (C) fp32, sqrt(C) included, or undefined: x + bias alone
  bool silu = true;
};

// Row r of `out` (T,R',W,C), contiguous, becomes y of row r + first_row of x (T,R,W,C), or zero
// where x has no such row: the input of a convolution, padded at the frame's edges.
void NormSilu(const at::Tensor& x, const NormSiluOptions& options, int64_t first_row,
              const at::Tensor& out);

// y (T,R,W,C), contiguous, becomes y + bias + x, in fp32 with one rounding. bias (C) fp32.
void AddMap(const at::Tensor& y, const at::Tensor& bias, const at::Tensor& x);

// The shortcut around an upsampler of VAE 2.2: models/vae/shortcut.h states the formula.
struct PhaseShortcut {
  at::Tensor source;        // (T',R,W,Cin), or undefined: none
  int64_t first_row = 0;    // row of `source` that is the phases' first
  int64_t time_factor = 1;  // 1 or 2
  int64_t dropped = 0;      // copies of the source's frames before `out`'s first
};

// Puts the four phases of a doubled map in place and adds bias and shortcut, in fp32 with one
// rounding. phases (T,R+1,W+1,4C): pixel (2i+p, 2j+q) of the doubled map of the R x W grid is at
// (i+p, j+q), channels [(2p+q)C, (2p+q+1)C). Row r of `out` (T,R',2W,C), contiguous, is row
// r + first_row of the doubled map.
void PlacePhases(const at::Tensor& phases, const at::Tensor& bias, const PhaseShortcut& shortcut,
                 int64_t first_row, const at::Tensor& out);

}  // namespace t3
