// Blocks of the full-size models at 3840x2176x81 on a GPU, in bf16, against their reference on
// sampled tokens: every layer type, tensors beyond 2^31 elements.
#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <iostream>
#include <limits>
#include <tuple>

#include "arch/dit.h"
#include "config/presets.h"
#include "models/dit/attention_layout.h"
#include "models/dit/block.h"
#include "models/dit/dit.h"
#include "models/dit/testing/random_block.h"
#include "models/dit/testing/reference_block.h"
#include "models/dit/weights.h"
#include "plan/denoiser_memory.h"
#include "plan/windows.h"

namespace t3 {
namespace {

const at::Device kGpu(at::kCUDA, 0);

class FullSizeBlock : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
    config_ = FindPreset(GetParam()).dit;
    for (const auto& [name, tensor] : RandomBlock(config_, 11)) {
      weights_[name] = tensor.to(kGpu, at::kBFloat16);
    }
    for (const auto& [name, tensor] : weights_) named_["blocks.0." + name] = tensor;
    time_ = 0.3 * RandomNormal({6, config_.dim}, 12).to(kGpu);
    text_ = RandomNormal({config_.text_len, config_.dim}, 13).to(kGpu, at::kBFloat16);
  }

  at::Tensor Forward(const at::Tensor& x, const AttentionLayout& attention) const {
    const DitBlock block(config_, named_, "blocks.0");
    const TextKeys keys = block.PrepareText(text_.unsqueeze(0), ExecutionMode::kInPlace);
    const BlockContext context{.time = time_.unsqueeze(0),
                               .boundary = 0,
                               .windows = &attention.layer(0),
                               .rope = &attention.rope(),
                               .text = keys,
                               .text_bias = {},
                               .scratch_bytes = 6'000'000'000};
    at::Tensor out = x.clone();
    block.Forward(out, context);
    return out;
  }

  DitConfig config_;
  TensorMap weights_, named_;
  at::Tensor time_, text_;
  c10::NoGradGuard no_grad_;
};

TEST_P(FullSizeBlock, EqualsItsReferenceOnSampledTokens) {
  const WindowTable& published = PublishedWindows(FamilyOf(config_.latent_channels));
  const Grid& grid = published.grid;
  const int64_t tokens = grid.tokens();
  // As many values as x has, drawn on the GPU: only sampled rows go to the reference.
  const at::Tensor x = at::randn({tokens, config_.dim}, at::device(kGpu).dtype(at::kBFloat16));
  const std::vector<int64_t> sampled{0, 1, tokens / 3, tokens / 2 + 7, tokens - grid.w, tokens - 1};
  for (const WindowCounts& counts : published.cycle) {
    const AttentionLayout attention =
        AttentionLayout::Make(AttentionPattern::kT3, {counts}, grid, 1, config_.head_dim(), kGpu);
    const at::Tensor out = Forward(x, attention);
    const ReferenceInput input{config_, weights_, grid, counts, x, time_, text_};
    std::vector<at::Tensor> want, rounded, got;
    for (const int64_t token : sampled) {
      want.push_back(ReferenceBlock(input, token, NoRounding) - x[token]);
      rounded.push_back(ReferenceBlock(input, token, Bf16Rounding) - x[token]);
      got.push_back(out[token].to(at::kFloat) - x[token]);
    }
    const auto distance = [&](const std::vector<at::Tensor>& rows) {
      const at::Tensor b = at::stack(want).to(at::kDouble);
      return ((at::stack(rows).to(at::kDouble) - b).norm() / b.norm()).item<double>();
    };
    const double ours = distance(got), theirs = distance(rounded);
    std::cout << GetParam() << " windows " << FormatWindows({counts}) << ": distance from fp32 "
              << ours << ", of the published rounding " << theirs << '\n';
    EXPECT_LE(ours, theirs) << FormatWindows({counts});
  }
}

// The planner's count of the denoiser's stage against the allocator's peak, for even and uneven
// windows, with room and with one head's temporaries; five layers have every layout of the cycle.
// 10 %: what the plan promises (docs/design/planner.md).
TEST(PlannedMemory, IsWhatAForwardTakes) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  const c10::NoGradGuard no_grad;
  const ModelPreset& preset = FindPreset("wan2.1-1.3b");
  PlannedRun run;
  run.dit = preset.dit;
  run.dit.num_layers = 5;
  run.vae = preset.vae;
  run.attention = AttentionPattern::kT3;
  run.two_branches = false;
  QkvPlaces places(run.dit, kGpu);
  TensorMap weights;
  for (const TensorSpec& spec : DitTensors(run.dit)) {
    const at::ScalarType dtype = IsFloatTensor(spec.name) ? at::kFloat : at::kBFloat16;
    at::Tensor weight = places(spec.name, dtype);
    if (!weight.defined()) weight = at::empty(spec.shape, at::device(kGpu).dtype(dtype));
    weights[spec.name] = weight.normal_(0, 0.02);
  }
  Dit dit(run.dit, weights);
  const TextContext text = dit.PrepareText(RandomNormal({40, run.dit.text_dim}, 3));
  for (const auto& [width, height, frames] :
       {std::tuple(832, 480, 81), std::tuple(1920, 1088, 33), std::tuple(3840, 2176, 9)}) {
    run.video = PlanVideo(width, height, frames, run.vae);
    run.windows = PlanWindows(run.video.grid, PublishedWindows(FamilyOf(run.dit.latent_channels)));
    const AttentionLayout attention = AttentionLayout::Make(
        run.attention, run.windows, run.video.grid, 5, run.dit.head_dim(), kGpu);
    const Grid& latent = run.video.latent;
    const at::Tensor x =
        at::randn({run.dit.latent_channels, latent.t, latent.h, latent.w}, at::device(kGpu));
    for (const int64_t budget : {std::numeric_limits<int64_t>::max(), int64_t{1}}) {
      const DenoiserMemory plan = PlanDenoiser(run, budget);
      dit.set_scratch_bytes(plan.scratch);
      dit.Forward(x, 500, 0, text, attention);  // products are tuned
      at::accelerator::resetPeakStats(kGpu.index());
      dit.Forward(x, 500, 0, text, attention);
      const auto peak = static_cast<double>(
          at::accelerator::getDeviceStats(kGpu.index()).allocated_bytes[0].peak);
      const auto planned =
          static_cast<double>(WeightBytes(DitTensors(run.dit), 2) + plan.activations);
      std::cout << width << 'x' << height << 'x' << frames << ", scratch " << plan.scratch
                << ": planned " << planned / 1e9 << " GB, taken " << peak / 1e9 << " GB\n";
      EXPECT_NEAR(planned, peak, 0.1 * peak);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, FullSizeBlock, ::testing::Values("wan2.1-1.3b", "wan2.2-5b"),
                         [](const auto& test) {
                           return std::string(test.param) == "wan2.1-1.3b" ? "Wan21" : "Wan22";
                         });

}  // namespace
}  // namespace t3
