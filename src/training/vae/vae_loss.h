// The loss of a VAE: reconstruction error and the information in its latents.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/vae/vae.h"

namespace t3 {

// With d = reconstruction - video, every term is a mean over elements, so weights mean the same at
// every size. A term with weight 0 is not computed.
struct VaeLossOptions {
  // Mean of |d|, or with `charbonnier` > 0 of sqrt(d^2 + charbonnier^2) - charbonnier: |d| rounded
  // off at that width, so that small errors do not keep the optimizer oscillating.
  double reconstruction_weight = 1;
  double charbonnier = 0;
  // KL divergence of each latent element's normal distribution from the standard one.
  double kl_weight = 1e-6;
  // Mean of |d'| over first differences of d along time, height and width: penalizes blur and
  // flicker, to which |d| is nearly blind.
  double gradient_weight = 0;
  // Sum over levels of the mean of |d at that level|, levels a Laplacian pyramid of each frame
  // (5-tap binomial blur, halved). A substitute for a perceptual network: every band of detail
  // counts separately, so accurate smooth areas do not make up for lost texture.
  double laplacian_weight = 0;
  int64_t laplacian_levels = 4;
  // Mean over blocks of 8x8 pixels of the difference between the two RMS values in the finest
  // Laplacian band: the amount of fine detail, not its position, which latents cannot encode.
  // Without this term the others favour blur.
  double texture_weight = 0;
  // Second differences of d over time, of means over blocks of 16, 32 and 64 pixels: brightness
  // that jumps from frame to frame, which is small at every pixel and plain to the eye.
  double flicker_weight = 0;
  bool operator==(const VaeLossOptions&) const = default;
};

struct VaeLossResult {
  at::Tensor total;  // scalar, differentiable; the weighted sum of the terms
  // Unweighted, detached, on the video's device: "reconstruction", "kl", "gradient", "laplacian",
  // "texture", "flicker", those with a weight.
  std::vector<std::pair<std::string, at::Tensor>> terms;
};

// Encodes `video` (3,F,H,W) or (B,3,F,H,W) in [-1,1], draws latents (SampleLatents), decodes and
// compares. F = 4n+1, 1 for images; H and W multiples of the VAE's stride. Throws Error for invalid
// options.
VaeLossResult VaeLoss(const Vae& vae, const at::Tensor& video, const VaeLossOptions& options,
                      uint64_t seed, int64_t step);

// The terms that compare frames alone: decoded and video (..,3,F,H,W). The KL term is left out.
// Throws Error for invalid options.
VaeLossResult FrameLoss(const at::Tensor& decoded, const at::Tensor& video,
                        const VaeLossOptions& options);

// moments (B,2z,T,h,w) or (2z,T,h,w), mean and log variance -> mean + std * noise, as many
// channels as half. The noise depends on (seed, step) alone: drawn on the CPU, so that every device
// gets the same. Log variances are clamped to [-30, 20].
at::Tensor SampleLatents(const at::Tensor& moments, uint64_t seed, int64_t step);

// The single terms, as scalars. `d` (..,F,H,W), at least 4 dimensions.
at::Tensor KlTerm(const at::Tensor& moments);
at::Tensor GradientTerm(const at::Tensor& d);
at::Tensor LaplacianTerm(const at::Tensor& d, int64_t levels);
// Both of one shape; H and W beyond a multiple of 8 are ignored.
at::Tensor TextureTerm(const at::Tensor& decoded, const at::Tensor& video);
// Sum over block sizes s of s/16 times the mean of |second difference over time of block means|:
// means of independent errors fall as 1/s. 0 below 3 frames; sizes beyond the frame are left out.
at::Tensor FlickerTerm(const at::Tensor& d);

}  // namespace t3
