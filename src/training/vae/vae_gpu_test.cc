// A VAE's training on the GPU against the CPU.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "models/vae/testing/random_vae.h"
#include "training/vae/latent_statistics.h"
#include "training/vae/psnr.h"
#include "training/vae/vae_loss.h"

namespace t3 {
namespace {

class TrainingVaeGpu : public testing::TestWithParam<VaeVersion> {
 protected:
  TensorMap Weights(at::Device device) const {
    TensorMap weights;
    for (const auto& [name, tensor] : RandomVaeTensors(config_, 8)) {
      weights[name] = tensor.to(at::TensorOptions(device).dtype(at::kDouble)).requires_grad_();
    }
    return weights;
  }
  VaeConfig config_ = SmallVaeConfig(GetParam(), 3, 8, 8);
};
INSTANTIATE_TEST_SUITE_P(Both, TrainingVaeGpu, testing::Values(VaeVersion::k21, VaeVersion::k22));

// In float64, so that only a mistake can differ and no rounding.
TEST_P(TrainingVaeGpu, LossAndGradientsEqualTheCpus) {
  constexpr VaeLossOptions kOptions{.charbonnier = 0.1,
                                    .kl_weight = 0.3,
                                    .gradient_weight = 0.5,
                                    .laplacian_weight = 0.7,
                                    .laplacian_levels = 3};
  const int64_t stride = config_.spatial_stride();
  const at::Tensor clip = SeededNoise({3, 9, 4 * stride, 3 * stride}, 9).to(at::kDouble) * 0.5;
  const TensorMap on_cpu = Weights(at::kCPU), on_gpu = Weights(at::kCUDA);
  const at::Tensor clips = at::stack({clip.narrow(1, 0, 5), clip.narrow(1, 4, 5)});
  const at::Tensor expected = VaeLoss(Vae(config_, on_cpu), clips, kOptions, 3, 4).total;
  const at::Tensor total = VaeLoss(Vae(config_, on_gpu), clips.cuda(), kOptions, 3, 4).total;
  EXPECT_TRUE(total.is_cuda());
  EXPECT_NEAR(total.item<double>(), expected.item<double>(), 1e-10);
  expected.backward();
  total.backward();
  for (const auto& [name, weight] : on_cpu) {
    const at::Tensor difference = on_gpu.at(name).grad().cpu() - weight.grad();
    EXPECT_LT(difference.norm().item<double>(), 1e-8 * (1 + weight.grad().norm().item<double>()))
        << name;
  }
}

TEST_P(TrainingVaeGpu, StatisticsAndPsnrEqualTheCpus) {
  const c10::NoGradGuard no_grad;
  const int64_t stride = config_.spatial_stride();
  const Vae cpu(config_, Weights(at::kCPU)), gpu(config_, Weights(at::kCUDA));
  const auto clip = [&](int64_t i) {
    return SeededNoise({3, 5, stride, 2 * stride}, static_cast<uint64_t>(i)).clamp(-1, 1);
  };
  const VaeConfig a = MeasureLatents(cpu, 2, clip), b = MeasureLatents(gpu, 2, clip);
  for (size_t i = 0; i < a.mean.size(); ++i) {
    EXPECT_NEAR(a.mean[i], b.mean[i], 1e-9);
    EXPECT_NEAR(a.std[i], b.std[i], 1e-9);
  }
  // Frames leave Decode in float32 or better; a dB is far coarser.
  EXPECT_NEAR(EvaluateVae(cpu, 2, clip).mean, EvaluateVae(gpu, 2, clip).mean, 1e-5);
}

}  // namespace
}  // namespace t3
