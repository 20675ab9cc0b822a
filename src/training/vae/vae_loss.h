// What a VAE in training is asked for: frames like the original's, latents that carry little.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/vae/vae.h"

namespace t3 {

// With d = reconstruction - video, every term is a mean over elements, so that weights mean the
// same at every size. A weight of 0 leaves its term out of the work and of the result.
struct VaeLossOptions {
  // Mean of |d|, or with `charbonnier` > 0 of sqrt(d^2 + charbonnier^2) - charbonnier: |d| with a
  // round bottom that wide, so that small errors do not keep the optimiser jumping.
  double reconstruction_weight = 1;
  double charbonnier = 0;
  // Of every latent element, the divergence of its normal distribution from the standard one.
  double kl_weight = 1e-6;
  // Mean of |d'| over first differences of d along time, height and width: punishes blur and
  // flicker, which |d| hardly sees.
  double gradient_weight = 0;
  // Sum over levels of the mean of |d at that level|, levels a Laplacian pyramid of each frame
  // (5-tap binomial blur, halved). Stands in for a perceptual network: every band of detail counts
  // by itself, so fine texture cannot be given up for smooth areas that are right.
  double laplacian_weight = 0;
  int64_t laplacian_levels = 4;
  // Mean over blocks of 8x8 pixels of the difference between the root mean squares that the two
  // have in the finest Laplacian band. Latents cannot say where every grain lies, and the terms
  // above are least where such texture is left out; this one asks for as much of it as there is.
  double texture_weight = 0;
};

struct VaeLossResult {
  at::Tensor total;  // scalar, differentiable; the weighted sum of the terms
  // Without weights, detached, on the video's device: "reconstruction", "kl", "gradient",
  // "laplacian", "texture" as asked for.
  std::vector<std::pair<std::string, at::Tensor>> terms;
};

// Encodes `video` (3,F,H,W) or (B,3,F,H,W) in [-1,1], draws latents (SampleLatents), decodes and
// compares. F = 4n+1, 1 for images; H and W multiples of the VAE's stride. Throws Error for options
// that make no sense.
VaeLossResult VaeLoss(const Vae& vae, const at::Tensor& video, const VaeLossOptions& options,
                      uint64_t seed, int64_t step);

// moments (B,2z,T,h,w) or (2z,T,h,w), mean and log variance -> mean + std * noise, as many
// channels as half. The noise depends on (seed, step) alone: drawn on the CPU, so that every device
// gets the same. Log variances are held to [-30, 20].
at::Tensor SampleLatents(const at::Tensor& moments, uint64_t seed, int64_t step);

// The terms by themselves. `d` (..,F,H,W), at least 4 dimensions; scalars.
at::Tensor KlTerm(const at::Tensor& moments);
at::Tensor GradientTerm(const at::Tensor& d);
at::Tensor LaplacianTerm(const at::Tensor& d, int64_t levels);
// Of two maps of one shape; what is left over of H and W after blocks of 8 plays no part.
at::Tensor TextureTerm(const at::Tensor& decoded, const at::Tensor& video);

}  // namespace t3
