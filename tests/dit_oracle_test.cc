// The denoiser against diffusers' at sizes that the reference cases do not have, loaded under
// diffusers' names (tools/oracle_dit.py).
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "arch/dit.h"
#include "compare.h"
#include "models/dit/dit.h"
#include "nn/load.h"

namespace t3 {
namespace {

const at::Device kOracleDevice(T3_TEST_DEVICE);

class DitOracle : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string path = std::string(T3_SOURCE_DIR "/tests/data/oracle/") + GetParam();
    views_ = NameTensors(WeightFile::Open(path + ".safetensors"), DitNaming());
    config_ = ReadDitConfig(views_, nullptr);
    expected_ = WeightFile::Open(path + ".expected.safetensors");
  }

  at::Tensor Expected(const std::string& name) const {
    return ToTensor(expected_->tensors().at(name));
  }

  at::Tensor Velocity(double timestep, int64_t clean_frames) const {
    const c10::NoGradGuard no_grad;
    const at::Tensor latents = Expected("latents").to(kOracleDevice);
    LoadOptions options;
    options.device = kOracleDevice;
    const Dit dit(config_, LoadTensors(views_, DitTensors(config_), DitNaming(), options));
    const Grid grid{latents.size(1), latents.size(2) / 2, latents.size(3) / 2};
    const AttentionLayout attention =
        AttentionLayout::Make(AttentionPattern::kFull, {{1, 1, 1}}, grid, config_.num_layers,
                              config_.head_dim(), kOracleDevice);
    return dit.Forward(latents, timestep, clean_frames, dit.PrepareText(Expected("text")),
                       attention);
  }

  NamedViews views_;
  DitConfig config_;
  std::shared_ptr<const WeightFile> expected_;
};

TEST_P(DitOracle, VelocityEqualsDiffusers) {
  const double timestep = Expected("timestep").item<double>();
  const int64_t clean = Expected("clean_frames").item<int64_t>();
  EXPECT_EQ(views_.styles, std::vector<std::string>{"diffusers"});
  // diffusers takes the timestep's sinusoid in fp32, which alone makes 1e-5.
  EXPECT_LT(RelativeL2(Velocity(timestep, clean), Expected("velocity")), 4e-5);
  // The comparison sees a small change of the timestep and of the clean frames.
  EXPECT_GT(RelativeL2(Velocity(timestep + 1, clean), Expected("velocity")), 1e-4);
  EXPECT_GT(RelativeL2(Velocity(timestep, 1 - clean), Expected("velocity")), 1e-2);
}

INSTANTIATE_TEST_SUITE_P(Cases, DitOracle, ::testing::Values("dit_t2v", "dit_ti2v"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace t3
