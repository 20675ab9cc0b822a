// TAEHV on a GPU: equal to the CPU, and within the memory of its plan at 4K.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <c10/core/AllocatorConfig.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/GradMode.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <gtest/gtest.h>

#include <iostream>

#include "models/taehv/taehv.h"
#include "models/taehv/testing/reference_taehv.h"

namespace t3 {
namespace {

const at::Device kGpu(at::kCUDA, 0);

class TaehvGpu : public testing::TestWithParam<TaehvBlocks> {
 protected:
  void SetUp() override {
    if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
    // As the program does (runtime/device.cc).
    c10::CachingAllocator::setAllocatorSettings("expandable_segments:True");
    at::globalContext().setAllowTF32CuDNN(false);
  }
  static TensorMap OnGpu(const TensorMap& tensors, at::ScalarType dtype) {
    TensorMap moved;
    for (const auto& [name, tensor] : tensors) moved[name] = tensor.to(kGpu, dtype);
    return moved;
  }
  static at::Tensor Latents(const TaehvConfig& config, const Grid& grid) {
    return at::randn({config.latent_channels, grid.t, grid.h, grid.w},
                     at::make_generator<at::CPUGeneratorImpl>(3));
  }
  static at::Tensor Collect(const Taehv& decoder, const at::Tensor& latents,
                            const TaehvPlan& plan) {
    const int64_t stride = decoder.spatial_stride();
    const at::Tensor video =
        at::full({3, 4 * plan.latent.t - 3, stride * plan.latent.h, stride * plan.latent.w}, NAN);
    decoder.DecodeRows(latents, plan, [&](const DecodedRows& rows) {
      video.narrow(1, rows.frame, rows.pixels.size(1))
          .narrow(2, rows.row, rows.pixels.size(2))
          .copy_(rows.pixels);
    });
    return video;
  }
  static double Gap(const at::Tensor& actual, const at::Tensor& expected) {
    return ((actual - expected).norm() / expected.norm()).item<double>();
  }
  c10::NoGradGuard no_grad_;
};

INSTANTIATE_TEST_SUITE_P(Both, TaehvGpu, testing::Values(TaehvBlocks::kPlain, TaehvBlocks::kSuper));

TEST_P(TaehvGpu, EveryPlanEqualsTheCpu) {
  for (const int64_t patch : {1, 2}) {
    const TaehvConfig config{.blocks = GetParam(),
                             .latent_channels = 16,
                             .patch = patch,
                             .widths = {32, 24, 16},
                             .last_width = 16};
    const Grid grid{5, 3, 5};
    const TensorMap tensors = RandomTaehvTensors(config, 1);
    const Taehv cpu(config, tensors), fp32(config, OnGpu(tensors, at::kFloat)),
        bf16(config, OnGpu(tensors, at::kBFloat16));
    const at::Tensor latents = Latents(config, grid), expected = cpu.Decode(latents);
    for (const int64_t frames : {1, 2, 5}) {
      for (const int64_t rows : {7, 0}) {
        const TaehvPlan plan = MakeTaehvPlan(config, grid, 4, frames, rows);
        EXPECT_LT(Gap(Collect(fp32, latents, plan), expected), 1e-4) << frames << " " << rows;
        EXPECT_LT(Gap(Collect(bf16, latents, plan), expected), 0.05) << frames << " " << rows;
      }
    }
  }
}

// The published sizes: the allocator is held to what the plan counts, beside weights and latents.
TEST_P(TaehvGpu, FourKWithinItsPlan) {
  TaehvConfig config{.blocks = GetParam()};
  if (GetParam() == TaehvBlocks::kSuper) {
    config.latent_channels = 48;
    config.patch = 2;
    config.widths = {512, 256, 128};
  }
  const Taehv decoder(config, OnGpu(RandomTaehvTensors(config, 2), at::kBFloat16));
  const int64_t stride = config.spatial_stride();
  const Grid grid{5, 2176 / stride, 3840 / stride};
  const at::Tensor latents = Latents(config, grid).to(kGpu);
  c10::DeviceAllocator* allocator = c10::getDeviceAllocator(at::kCUDA);
  for (const int64_t frames : {1, 4}) {
    const TaehvPlan plan = MakeTaehvPlan(config, grid, 2, frames);
    c10::cuda::CUDACachingAllocator::emptyCache();
    allocator->resetPeakStats(kGpu.index());
    const int64_t before = allocator->getDeviceStats(kGpu.index()).allocated_bytes[0].current;
    int64_t rows_seen = 0;
    decoder.DecodeRows(latents, plan, [&](const DecodedRows& rows) {
      rows_seen += rows.pixels.size(1) * rows.pixels.size(2);
    });
    EXPECT_EQ(rows_seen, 17 * 2176);
    const int64_t peak = allocator->getDeviceStats(kGpu.index()).allocated_bytes[0].peak - before;
    std::cout << frames << " latent frames per pass: " << static_cast<double>(peak) / 1e9
              << " GB of " << static_cast<double>(plan.memory.total) / 1e9 << " GB\n";
    EXPECT_LE(peak, plan.memory.total + 2 * static_cast<int64_t>(latents.nbytes()));
  }
}

}  // namespace
}  // namespace t3
