// Degrades a clip as a small VAE might, to test the detector.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cstdint>

namespace t3 {

// `video` (3,F,H,W) on the CPU, blurred by a Gaussian of 1 pixel, plus noise of standard deviation
// 0.03 from the seed.
inline at::Tensor Degrade(const at::Tensor& video, uint64_t seed) {
  const at::Tensor at = at::arange(-3, 4, video.options());
  const at::Tensor bell = at::exp(at * at * -0.5);
  const at::Tensor kernel = bell / bell.sum();
  at::Tensor x = video.reshape({-1, 1, video.size(2), video.size(3)});
  x = at::conv2d(at::replication_pad2d(x, {3, 3, 0, 0}), kernel.view({1, 1, 1, 7}));
  x = at::conv2d(at::replication_pad2d(x, {0, 0, 3, 3}), kernel.view({1, 1, 7, 1}));
  const at::Generator noise = at::make_generator<at::CPUGeneratorImpl>(seed);
  return x.view(video.sizes()) + at::randn(video.sizes(), noise, video.options()) * 0.03;
}

}  // namespace t3
