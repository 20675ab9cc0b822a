// The loop over a list of levels, on the small model.
#include "pipeline/denoise.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "loading/load_models.h"
#include "sampling/noise.h"

namespace t3 {
namespace {

class DenoiseLists : public testing::Test {
 protected:
  DenoiseLists()
      : model_(OpenModel({.model = T3_SOURCE_DIR "/tests/data/reference/mini2.1"})),
        dit_(LoadDit(model_, at::kFloat, BlockWeights::kOnDevice, context_)),
        attention_(AttentionLayout::Make(AttentionPattern::kFull, {}, {3, 2, 2},
                                         model_.dit.num_layers, model_.dit.head_dim(), at::kCPU)) {
    input_.sampling = {
        .sampler = Sampler::kRenoise, .steps = 3, .guidance = 1, .timesteps = {990, 757, 522}};
    input_.noise = TorchNoise(3, {model_.dit.latent_channels, 3, 4, 4});
    input_.prompt = TorchNoise(4, {6, model_.dit.text_dim});
    input_.seed = 3;
  }

  at::Tensor Run(const DenoiseInput& input, std::vector<SamplerState>* states = nullptr) const {
    return RunWith(dit_, input, states);
  }

  at::Tensor RunWith(const Dit& dit, const DenoiseInput& input,
                     std::vector<SamplerState>* states = nullptr) const {
    Stage stage(context_, "denoising", 3);
    return Denoise(dit, attention_, input, at::kCPU, stage, [&](const StepReport& report) {
      if (states == nullptr) return;
      states->push_back(report.state);
      states->back().latents = report.state.latents.clone();
    });
  }

  ProgressFn silent_;
  RunContext context_{silent_, nullptr, at::kCPU};
  ModelInfo model_;
  Dit dit_;
  AttentionLayout attention_;
  DenoiseInput input_;
};

TEST_F(DenoiseLists, EveryStepOfTheListRuns) {
  const c10::NoGradGuard no_grad;
  std::vector<SamplerState> states;
  const at::Tensor latents = Run(input_, &states);
  ASSERT_EQ(states.size(), 3u);
  const TextContext prompt = dit_.PrepareText(input_.prompt);
  at::Tensor x = input_.noise * 0.99;
  for (const auto& [step, sigma, next] : std::vector<std::tuple<int64_t, double, double>>{
           {0, 0.99, 0.757}, {1, 0.757, 0.522}, {2, 0.522, 0}}) {
    const at::Tensor clean = x - dit_.Forward(x, 1000 * sigma, 0, prompt, attention_) * sigma;
    const at::Tensor added = TorchNoise(StepSeed(3, step), x.sizes());
    x = clean * (1 - next) + added * next;
    EXPECT_TRUE(at::allclose(states[static_cast<size_t>(step)].latents, x, 1e-4, 1e-4)) << step;
  }
  EXPECT_TRUE(at::equal(latents, states.back().latents));
}

TEST_F(DenoiseLists, ResumedRunsHaveTheSameBits) {
  std::vector<SamplerState> states;
  const at::Tensor latents = Run(input_, &states);
  for (const int64_t done : {1, 2, 3}) {
    DenoiseInput rest = input_;
    rest.noise = at::Tensor();
    rest.from = states[static_cast<size_t>(done - 1)];
    EXPECT_TRUE(at::equal(Run(rest), latents)) << "after step " << done;
  }
  DenoiseInput other = input_;
  other.seed = 4;
  EXPECT_FALSE(at::equal(Run(other), latents));
}

// In fp8 some of the first and of the last steps run in bf16: of three, one each or all.
TEST_F(DenoiseLists, ExcludedStepsRunInBf16) {
  const auto load = [&](at::ScalarType dtype, bool also_bf16) {
    return LoadDit(model_, dtype, BlockWeights::kOnDevice, context_, also_bf16);
  };
  const Dit bf16 = load(at::kBFloat16, false), fp8 = load(at::kFloat8_e4m3fn, true);
  std::vector<SamplerState> all_bf16, all_fp8, mixed, excluded;
  RunWith(bf16, input_, &all_bf16);
  RunWith(fp8, input_, &all_fp8);
  DenoiseInput input = input_;
  input.excluded_steps = 1;
  RunWith(fp8, input, &mixed);
  input.excluded_steps = 2;
  RunWith(fp8, input, &excluded);
  for (size_t step = 0; step < 3; ++step) {
    const at::Tensor& want = all_bf16[step].latents;
    EXPECT_FALSE(at::equal(all_fp8[step].latents, want)) << step;
    EXPECT_EQ(at::equal(mixed[step].latents, want), step == 0) << step;
    EXPECT_TRUE(at::equal(excluded[step].latents, want)) << step;
    EXPECT_LT(((all_fp8[step].latents - want).norm() / want.norm()).item<double>(), 0.1) << step;
  }
}

// A clip's added noise is its own, whatever is denoised beside it.
TEST_F(DenoiseLists, ClipsOfABatchAreThoseAlone) {
  const at::Tensor alone = Run(input_);
  const at::Tensor other = TorchNoise(9, input_.noise.sizes());
  const DenoiseBatchInput batch{input_.sampling,
                                at::stack({other, input_.noise}),
                                {input_.prompt, input_.prompt},
                                {},
                                {9, 3}};
  Stage stage(context_, "denoising", 3);
  const at::Tensor together = DenoiseBatch(dit_, attention_.Repeat(2), batch, stage);
  EXPECT_TRUE(at::allclose(together[1], alone, 1e-4, 1e-4));
  EXPECT_FALSE(at::allclose(together[0], alone, 1e-4, 1e-4));
}

}  // namespace
}  // namespace t3
