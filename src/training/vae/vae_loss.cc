// Computes the terms of the VAE's loss.
#include "training/vae/vae_loss.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "sampling/noise.h"
#include "training/vae/step_seed.h"

namespace t3 {
namespace {

constexpr double kMinLogVariance = -30, kMaxLogVariance = 20;

struct Moments {
  at::Tensor mean;
  at::Tensor log_variance;
};

Moments Split(const at::Tensor& moments) {
  const int64_t channels = moments.size(-4) / 2;
  return {moments.narrow(-4, 0, channels),
          moments.narrow(-4, channels, channels).clamp(kMinLogVariance, kMaxLogVariance)};
}

void CheckOptions(const VaeLossOptions& o) {
  for (const double value : {o.reconstruction_weight, o.charbonnier, o.kl_weight, o.gradient_weight,
                             o.laplacian_weight, o.texture_weight, o.flicker_weight}) {
    T3_CHECK(std::isfinite(value) && value >= 0,
             "the VAE loss has a weight of {}; wanted 0 or more", value);
  }
  T3_CHECK(
      o.reconstruction_weight + o.gradient_weight + o.laplacian_weight + o.texture_weight > 0,
      "the VAE loss compares no frames: reconstruction, gradient, laplacian and texture are all 0");
  T3_CHECK(o.laplacian_levels >= 1, "the VAE loss has {} Laplacian levels; wanted 1 or more",
           o.laplacian_levels);
}

at::Tensor ReconstructionTerm(const at::Tensor& d, double charbonnier) {
  if (charbonnier <= 0) return d.abs().mean();
  return (d.square() + charbonnier * charbonnier).sqrt().mean() - charbonnier;
}

// x (N,1,H,W) -> the same, blurred by (1,4,6,4,1)/16 along both axes; edges are repeated.
at::Tensor BinomialBlur(const at::Tensor& x) {
  const at::Tensor taps = at::tensor({1., 4., 6., 4., 1.}, x.options()) / 16;
  const at::Tensor padded = at::replication_pad2d(x, {2, 2, 2, 2});
  return at::conv2d(at::conv2d(padded, taps.view({1, 1, 1, 5})), taps.view({1, 1, 5, 1}));
}

// RMS of the finest band of x (..,H,W) in blocks of 8x8 pixels.
at::Tensor FineTexture(const at::Tensor& x) {
  // Below one step of 8-bit frames; bounds the slope of the square root.
  constexpr double kMinSquare = 1e-6;
  const at::Tensor frames = x.reshape({-1, 1, x.size(-2), x.size(-1)});
  return (at::avg_pool2d((frames - BinomialBlur(frames)).square(), {8, 8}) + kMinSquare).sqrt();
}

}  // namespace

at::Tensor SampleLatents(const at::Tensor& moments, uint64_t seed, int64_t step) {
  const Moments m = Split(moments);
  const at::Tensor noise = TorchNoise(StepSeed(seed, step, SeedUse::kLatents), m.mean.sizes());
  return m.mean + (m.log_variance / 2).exp() * noise.to(m.mean.options());
}

at::Tensor KlTerm(const at::Tensor& moments) {
  const Moments m = Split(moments);
  return (m.mean.square() + m.log_variance.exp() - 1 - m.log_variance).mean() / 2;
}

at::Tensor GradientTerm(const at::Tensor& d) {
  at::Tensor sum = at::zeros({}, d.options());
  for (const int64_t axis : {-3, -2, -1}) {
    if (d.size(axis) > 1) sum = sum + d.diff(1, axis).abs().mean();
  }
  return sum;
}

at::Tensor LaplacianTerm(const at::Tensor& d, int64_t levels) {
  at::Tensor x = d.reshape({-1, 1, d.size(-2), d.size(-1)});
  at::Tensor sum = at::zeros({}, d.options());
  for (int64_t level = 0; level + 1 < levels && x.size(-1) > 1 && x.size(-2) > 1; ++level) {
    const at::Tensor blurred = BinomialBlur(x);
    sum = sum + (x - blurred).abs().mean();
    x = blurred.slice(-2, 0, std::nullopt, 2).slice(-1, 0, std::nullopt, 2);
  }
  return sum + x.abs().mean();
}

at::Tensor TextureTerm(const at::Tensor& decoded, const at::Tensor& video) {
  // The rounding of bf16 would count as texture.
  const bool half = decoded.scalar_type() == at::kBFloat16;
  const at::Tensor wide = half ? decoded.to(at::kFloat) : decoded;
  return (FineTexture(wide) - FineTexture(video.to(wide.options()))).abs().mean();
}

at::Tensor FlickerTerm(const at::Tensor& d) {
  constexpr int64_t kFinest = 16, kCoarsest = 64;
  // The differences are small beside the rounding of bf16.
  const at::Tensor wide = d.scalar_type() == at::kBFloat16 ? d.to(at::kFloat) : d;
  at::Tensor sum = at::zeros({}, wide.options());
  if (d.size(-3) < 3) return sum;
  at::Tensor means = wide.reshape({-1, d.size(-3), d.size(-2), d.size(-1)});
  int64_t pool = kFinest;
  for (int64_t size = kFinest; size <= kCoarsest; size *= 2) {
    if (std::min(means.size(-2), means.size(-1)) < pool) break;
    means = at::avg_pool2d(means, {pool, pool});
    const double scale = static_cast<double>(size) / static_cast<double>(kFinest);
    sum = sum + scale * means.diff(2, 1).abs().mean();
    pool = 2;
  }
  return sum;
}

namespace {

// `moments`: undefined without the KL term.
VaeLossResult SumOfTerms(const at::Tensor& decoded, const at::Tensor& video,
                         const at::Tensor& moments, const VaeLossOptions& options) {
  const at::Tensor d = decoded - video.to(decoded.options());
  VaeLossResult result;
  const auto add = [&](const char* name, double weight, const auto& term) {
    if (weight == 0) return;
    const at::Tensor value = term();
    result.terms.emplace_back(name, value.detach());
    result.total = result.total.defined() ? result.total + weight * value : weight * value;
  };
  add("reconstruction", options.reconstruction_weight,
      [&] { return ReconstructionTerm(d, options.charbonnier); });
  if (moments.defined()) add("kl", options.kl_weight, [&] { return KlTerm(moments); });
  add("gradient", options.gradient_weight, [&] { return GradientTerm(d); });
  add("laplacian", options.laplacian_weight,
      [&] { return LaplacianTerm(d, options.laplacian_levels); });
  add("texture", options.texture_weight, [&] { return TextureTerm(decoded, video); });
  add("flicker", options.flicker_weight, [&] { return FlickerTerm(d); });
  return result;
}

}  // namespace

VaeLossResult VaeLoss(const Vae& vae, const at::Tensor& video, const VaeLossOptions& options,
                      uint64_t seed, int64_t step) {
  CheckOptions(options);
  const at::Tensor moments = vae.EncodeMoments(video);
  return SumOfTerms(vae.DecodeUnclamped(SampleLatents(moments, seed, step)), video, moments,
                    options);
}

VaeLossResult FrameLoss(const at::Tensor& decoded, const at::Tensor& video,
                        const VaeLossOptions& options) {
  CheckOptions(options);
  return SumOfTerms(decoded, video, {}, options);
}

}  // namespace t3
