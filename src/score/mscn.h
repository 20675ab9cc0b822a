// Mean-subtracted contrast-normalised coefficients, and the distribution that fits them
// (Mittal, Moorthy and Bovik 2012): what NIQE and BRISQUE have in common.
#pragma once

#include <vector>

#include "score/plane.h"

namespace t3 {

// (x - mean) / (deviation + 1) of luma in levels, by a Gaussian window of 7x7 pixels with standard
// deviation 7/6; beyond the picture are zeros.
Plane MscnOf(PlaneView luma);

// Sums over some samples, of which an asymmetric generalised Gaussian is fitted by moments.
struct SampleSums {
  double absolute = 0, left_squares = 0, right_squares = 0;
  int64_t left = 0, right = 0;  // samples below zero; the others

  void Add(double value) {
    absolute += value < 0 ? -value : value;
    (value < 0 ? left_squares : right_squares) += value * value;
    ++(value < 0 ? left : right);
  }
};

struct AsymmetricGaussian {
  double shape = 0;  // alpha
  double left_deviation = 0, right_deviation = 0;
  double left_scale = 0, right_scale = 0;  // beta: deviation sqrt(Gamma(1/alpha)/Gamma(3/alpha))
  double mean = 0;                         // (right_scale - left_scale) Gamma(2/a)/Gamma(1/a)
};
// The shape from 0.2 to 9.999 in steps of 0.001 whose moment ratio is nearest; 0.2 for samples that
// are all zero.
AsymmetricGaussian FitAsymmetricGaussian(const SampleSums& sums);

}  // namespace t3
