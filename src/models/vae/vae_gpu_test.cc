// The VAE on a GPU: equal to the CPU, and right where tensors pass 2^31 elements.
#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <iostream>

#include "config/presets.h"
#include "models/vae/random_vae.h"
#include "models/vae/vae.h"

namespace t3 {
namespace {

const at::Device kGpu(at::kCUDA, 0);

TensorMap OnGpu(const TensorMap& tensors, at::ScalarType dtype) {
  TensorMap moved;
  for (const auto& [name, tensor] : tensors) moved[name] = tensor.to(kGpu, dtype);
  return moved;
}

double RelativeGap(const at::Tensor& actual, const at::Tensor& expected) {
  return ((actual - expected).norm() / expected.norm()).item<double>();
}

class VaeGpu : public testing::TestWithParam<VaeVersion> {
 protected:
  void SetUp() override {
    if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
    // Convolutions in TF32, torch's default, are 1e-3 away from fp32.
    at::globalContext().setAllowTF32CuDNN(false);
  }
  c10::NoGradGuard no_grad_;
};

INSTANTIATE_TEST_SUITE_P(Both, VaeGpu, testing::Values(VaeVersion::k21, VaeVersion::k22));

TEST_P(VaeGpu, EqualsTheCpu) {
  const VaeConfig config = SmallVaeConfig(GetParam(), 8, 16, 16);
  const TensorMap tensors = RandomVaeTensors(config, 21);
  const TensorMap gpu_tensors = OnGpu(tensors, at::kFloat);
  const Vae cpu(config, tensors), gpu(config, gpu_tensors);
  const Vae slabs(config, gpu_tensors, {.slab_elements = 20000, .score_bytes = 2000});
  const int64_t stride = config.spatial_stride();
  const at::Tensor latents = SeededNoise({8, 3, 5, 6}, 22);
  const at::Tensor video = SeededNoise({3, 9, 5 * stride, 6 * stride}, 23).clamp(-1, 1);
  const at::Tensor frames = cpu.Decode(latents), encoded = cpu.Encode(video);
  for (const Vae* vae : {&gpu, &slabs}) {
    EXPECT_LT(RelativeGap(vae->Decode(latents).cpu(), frames), 1e-4);
    EXPECT_LT(RelativeGap(vae->Encode(video).cpu(), encoded), 1e-4);
  }
}

// Without attention a pixel depends on 18 latent positions around it, so the far corner of a 4K
// decode, where an index that wraps at 2^31 would show, equals a decode of that corner alone.
TEST_P(VaeGpu, FarCornerAt4K) {
  VaeConfig config = FindPreset(GetParam() == VaeVersion::k21 ? "wan2.1-1.3b" : "wan2.2-5b").vae;
  config.encoder_dim = 4;  // not used here
  TensorMap tensors = RandomVaeTensors(config, 24);
  tensors["decoder.middle.1.proj.weight"].zero_();
  tensors["decoder.middle.1.proj.bias"].zero_();
  const Vae vae(config, OnGpu(tensors, at::kBFloat16));
  const int64_t stride = config.spatial_stride();
  const int64_t rows = 2176 / stride, columns = 3840 / stride, crop = 48, compared = 16;
  const at::Tensor latents = SeededNoise({config.latent_channels, 2, rows, columns}, 25).to(kGpu);
  const at::Tensor corner = latents.narrow(2, rows - crop, crop).narrow(3, columns - crop, crop);
  const auto last_pixels = [&](const at::Tensor& z) {
    at::Tensor last;
    vae.Decode(z, [&](const at::Tensor& frames) { last = frames; });
    const int64_t n = compared * stride;
    return last.slice(2, -n).slice(3, -n).clone();
  };
  c10::DeviceAllocator* allocator = c10::getDeviceAllocator(at::kCUDA);
  allocator->resetPeakStats(kGpu.index());
  const at::Tensor at_4k = last_pixels(latents);
  const int64_t peak = allocator->getDeviceStats(kGpu.index()).allocated_bytes[0].peak;
  std::cout << "peak of allocated GPU memory: " << static_cast<double>(peak) / 1e9 << " GB\n";
  EXPECT_LT(peak, 90'000'000'000);
  EXPECT_LT(RelativeGap(at_4k, last_pixels(corner)), 0.05);
}

}  // namespace
}  // namespace t3
