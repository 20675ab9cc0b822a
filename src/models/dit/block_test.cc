// A whole block against its reference at odd sizes, for windows of every kind.
#include "models/dit/block.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <ostream>

#include "models/dit/attention_layout.h"
#include "models/dit/testing/random_block.h"
#include "models/dit/testing/reference_block.h"
#include "models/dit/weights.h"

namespace t3 {
namespace {

const at::Device kBlockDevice(T3_TEST_DEVICE);

struct BlockCase {
  std::string name;
  Grid grid;
  WindowCounts counts;
  int64_t heads;
  int64_t head_dim;
};

TensorMap OnDevice(const TensorMap& tensors, at::ScalarType dtype) {
  TensorMap moved;
  for (const auto& [name, tensor] : tensors) moved[name] = tensor.to(kBlockDevice, dtype);
  return moved;
}

void PrintTo(const BlockCase& test, std::ostream* out) { *out << test.name; }

class BlockReference : public ::testing::TestWithParam<BlockCase> {
 protected:
  void SetUp() override {
    const BlockCase& test = GetParam();
    config_ = {.dim = test.heads * test.head_dim,
               .ffn_dim = 3 * test.heads * test.head_dim / 2,
               .num_heads = test.heads,
               .num_layers = 1,
               .latent_channels = 4,
               .text_dim = 24};
    weights_ = OnDevice(RandomBlock(config_, 1), at::kFloat);
    x_ = RandomNormal({test.grid.tokens(), config_.dim}, 2).to(kBlockDevice);
    time_ = 0.3 * RandomNormal({6, config_.dim}, 3).to(kBlockDevice);
    text_ = RandomNormal({17, config_.dim}, 4).to(kBlockDevice);
  }

  // The block's output from x, which it may overwrite.
  at::Tensor Block(at::Tensor x, int64_t scratch_bytes) const {
    const BlockCase& test = GetParam();
    const AttentionLayout attention = AttentionLayout::Make(
        AttentionPattern::kT3, {test.counts}, test.grid, 1, test.head_dim, kBlockDevice);
    TensorMap named;
    for (const auto& [name, tensor] : weights_) named["blocks.0." + name] = tensor.to(x.dtype());
    const DitBlock block(config_, fp8_ ? WithFp8Weights(named) : named, "blocks.0");
    const TextKeys keys =
        block.PrepareText(text_.to(x.dtype()).unsqueeze(0), ExecutionMode::kInPlace);
    const BlockContext context{.time = time_.unsqueeze(0),
                               .boundary = 0,
                               .windows = &attention.layer(0),
                               .rope = &attention.rope(),
                               .text = keys,
                               .text_bias = {},
                               .scratch_bytes = scratch_bytes};
    block.Forward(x, context);
    return x;
  }

  at::Tensor Reference(const at::Tensor& x, const Rounding& round) const {
    const BlockCase& test = GetParam();
    const ReferenceInput input{config_, weights_, test.grid, test.counts, x, time_, text_};
    std::vector<at::Tensor> rows;
    for (int64_t token = 0; token < test.grid.tokens(); ++token) {
      rows.push_back(ReferenceBlock(input, token, round));
    }
    return at::stack(rows);
  }

  static double Distance(const at::Tensor& got, const at::Tensor& want) {
    const at::Tensor a = got.to(at::kDouble), b = want.to(at::kDouble);
    return ((a - b).norm() / b.norm()).item<double>();
  }

  DitConfig config_;
  bool fp8_ = false;
  TensorMap weights_;
  at::Tensor x_, time_, text_;
  c10::NoGradGuard no_grad_;
};

TEST_P(BlockReference, HoldsInFp32) {
  const at::Tensor want = Reference(x_, NoRounding);
  EXPECT_LT(Distance(Block(x_.clone(), 1 << 30), want), 3e-6);
  EXPECT_LT(Distance(Block(x_.clone(), 1), want), 3e-6);  // one head, few tokens at a time
}

// The weights are bf16 values here, so that only the activations' rounding is compared.
TEST_P(BlockReference, Bf16IsNoFurtherThanThePublishedRounding) {
  for (auto& entry : weights_) entry.second = Bf16Rounding(entry.second);
  text_ = Bf16Rounding(text_);
  const at::Tensor x = Bf16Rounding(x_);
  const at::Tensor want = Reference(x, NoRounding);
  const double published = Distance(Reference(x, Bf16Rounding), want);
  const double ours = Distance(Block(x.to(at::kBFloat16, false, true), 1 << 30), want);
  RecordProperty("published", std::to_string(published));
  RecordProperty("ours", std::to_string(ours));
  EXPECT_LE(ours, published);
  EXPECT_GT(ours, 1e-5);  // it was bf16
}

// In dtype fp8: what the block adds to x, against fp32. Six products and the attention follow one
// another, each with an error of 3.7e-2.
TEST_P(BlockReference, Fp8DiffersByItsRounding) {
  fp8_ = true;
  const at::ScalarType dtype = kBlockDevice.is_cuda() ? at::kBFloat16 : at::kFloat;
  const at::Tensor x = Bf16Rounding(x_);
  const at::Tensor added = Reference(x, NoRounding) - x;
  for (const int64_t scratch : {int64_t{1} << 30, int64_t{1}}) {
    const at::Tensor got = Block(x.to(dtype, false, true), scratch).to(at::kFloat) - x;
    EXPECT_LT(Distance(got, added), 0.08);
    EXPECT_GT(Distance(got, added), 5e-3);  // it was fp8
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, BlockReference,
                         ::testing::Values(BlockCase{"WholeFrames", {3, 4, 5}, {3, 1, 1}, 2, 32},
                                           BlockCase{"Even", {2, 6, 6}, {1, 2, 3}, 3, 32},
                                           BlockCase{"Uneven", {3, 7, 5}, {2, 3, 2}, 2, 24},
                                           BlockCase{"UnevenTall", {5, 9, 2}, {2, 4, 2}, 2, 16},
                                           BlockCase{"OneWindow", {2, 5, 7}, {1, 1, 1}, 4, 8},
                                           BlockCase{"Longer", {2, 11, 13}, {1, 2, 2}, 2, 64}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace t3
