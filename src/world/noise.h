// Value noise on a hashed integer lattice, and its sums over octaves.
#pragma once

#include <ATen/core/Tensor.h>

namespace t3 {

struct Octaves {
  double frequency = 1;  // of the first octave, cells a unit of x and y
  double gain = 0.5;     // amplitude of an octave against the one before
  int max_octaves = 16;
};

// Values repeat after 512 cells. The same on CPU and GPU to within rounding.
class Noise {
 public:
  explicit Noise(at::Device device);

  // Noise in [-1, 1] at lattice coordinates x and y, fp32, broadcast together (5 dimensions): the
  // lattice's values at integers, smooth in between.
  at::Tensor At(const at::Tensor& x, const at::Tensor& y) const;

  // Sum of octaves with amplitudes 1, gain, gain^2, ..., each faded out where its cells approach
  // the size `pixel`, in units of x and y: a number, or a tensor with minimum `min_pixel`.
  at::Tensor Sum(const at::Tensor& x, const at::Tensor& y, const Octaves& octaves,
                 double pixel) const;
  at::Tensor Sum(const at::Tensor& x, const at::Tensor& y, const Octaves& octaves,
                 const at::Tensor& pixel, double min_pixel) const;

 private:
  at::Tensor table_;  // (1, 1, 513, 513), the last row and column repeat the first
};

}  // namespace t3
