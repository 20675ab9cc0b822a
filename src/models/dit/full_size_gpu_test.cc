// Blocks of the full-size models at 3840x2176x81 on a GPU, in bf16, against their definition on
// sampled tokens: every layer type, tensors beyond 2^31 elements.
#include <ATen/ATen.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <iostream>

#include "config/presets.h"
#include "models/dit/block.h"
#include "models/dit/dit_attention.h"
#include "models/dit/random_block.h"
#include "models/dit/slow_block.h"
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

  at::Tensor Forward(const at::Tensor& x, const DitAttention& attention) const {
    const DitBlock block(config_, named_, "blocks.0");
    const TextKeys keys = block.PrepareText(text_.unsqueeze(0));
    const BlockContext context{.time = time_.unsqueeze(0),
                               .split = 0,
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

TEST_P(FullSizeBlock, EqualsItsDefinitionOnSampledTokens) {
  const WindowTable& published = PublishedWindows(config_.latent_channels);
  const Grid& grid = published.grid;
  const int64_t tokens = grid.tokens();
  // As many values as x has, drawn on the GPU: only sampled rows go to the definition.
  const at::Tensor x = at::randn({tokens, config_.dim}, at::device(kGpu).dtype(at::kBFloat16));
  const std::vector<int64_t> sampled{0, 1, tokens / 3, tokens / 2 + 7, tokens - grid.w, tokens - 1};
  for (const WindowCounts& counts : published.cycle) {
    const DitAttention attention =
        DitAttention::Make(AttentionPattern::kT3, {counts}, grid, 1, config_.head_dim(), kGpu);
    const at::Tensor out = Forward(x, attention);
    const SlowBlockInput input{config_, weights_, grid, counts, x, time_, text_};
    std::vector<at::Tensor> want, rounded, got;
    for (const int64_t token : sampled) {
      want.push_back(SlowBlock(input, token, NoRounding) - x[token]);
      rounded.push_back(SlowBlock(input, token, Bf16Rounding) - x[token]);
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

INSTANTIATE_TEST_SUITE_P(Models, FullSizeBlock, ::testing::Values("wan2.1-1.3b", "wan2.2-5b"),
                         [](const auto& test) {
                           return std::string(test.param) == "wan2.1-1.3b" ? "Wan21" : "Wan22";
                         });

}  // namespace
}  // namespace t3
