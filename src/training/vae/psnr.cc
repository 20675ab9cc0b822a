// Computes PSNR.
#include "training/vae/psnr.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "base/check.h"

namespace t3 {

double Psnr(const at::Tensor& a, const at::Tensor& b) {
  T3_CHECK(a.sizes() == b.sizes() && a.numel() > 0, "PSNR compares {} with {}", a.sizes().vec(),
           b.sizes().vec());
  constexpr double kPeak = 2;
  const double error =
      (a.to(at::kFloat) - b.to(a.device(), at::kFloat)).square().mean(at::kDouble).item<double>();
  return 10 * std::log10(kPeak * kPeak / error);
}

PsnrReport EvaluateVae(const Vae& vae, int64_t clips,
                       const std::function<at::Tensor(int64_t index)>& clip) {
  T3_CHECK(clips > 0, "the PSNR of a VAE needs at least one clip");
  const c10::NoGradGuard no_grad;
  PsnrReport report;
  report.worst = INFINITY;
  for (int64_t index = 0; index < clips; ++index) {
    const at::Tensor video = clip(index);
    const double psnr = Psnr(vae.Decode(vae.Encode(video)), video);
    report.clips.push_back(psnr);
    report.mean += psnr / static_cast<double>(clips);
    if (!(psnr >= report.worst)) report.worst = psnr;
  }
  return report;
}

}  // namespace t3
