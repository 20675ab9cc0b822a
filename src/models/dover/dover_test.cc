// DOVER's networks and views against the published code.
#include "models/dover/dover.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>

#include "arch/dover.h"
#include "base/check.h"
#include "nn/testing/oracle_weights.h"
#include "nn/testing/weight_file.h"

namespace t3 {
namespace {

const DoverConfig kSmallDover{.swin_dim = 8,
                              .swin_depths = {2, 2, 1, 1},
                              .swin_heads = {1, 2, 1, 2},
                              .conv_dims = {8, 8, 16, 16},
                              .conv_depths = {3, 1, 2, 1},
                              .head_width = 8};

void ExpectBranches(const DoverConfig& config, const char* file) {
  const at::NoGradGuard no_grad;
  const Dover dover(config, OracleWeights(DoverTensors(config)));
  const at::Tensor view =
      OraclePattern(32, kDoverSide, kDoverSide).transpose(0, 1).to(at::kFloat) / 64 - 2;
  EXPECT_NEAR(dover.Technical(view), OracleValue("dover.technical", file).item<double>(),
              kOracleTolerance);
  EXPECT_NEAR(dover.Aesthetic(view), OracleValue("dover.aesthetic", file).item<double>(),
              kOracleTolerance);
}

TEST(Dover, EqualsThePublishedBranches) { ExpectBranches(kSmallDover, "score_networks"); }

TEST(Dover, DISABLED_EqualsThePublishedBranchesAtFullSize) {
  ExpectBranches({}, "score_networks_full");
}

std::vector<int64_t> OracleNumbers(const std::string& name) {
  const at::Tensor numbers = OracleValue(name).to(at::kLong);
  return {numbers.data_ptr<int64_t>(), numbers.data_ptr<int64_t>() + numbers.numel()};
}

TEST(DoverViews, FramesAreThePublishedOnes) {
  for (const int64_t frames : {20, 81, 300}) {
    MixSequence random(kDoverSeed);
    const std::string name = fmt::format("dover.indices.{}.", frames);
    MixSequence technical(kDoverSeed), aesthetic(kDoverSeed);
    const DoverFrames chosen = ChooseDoverFrames(frames, &random);
    EXPECT_EQ(chosen.technical, OracleNumbers(name + "technical")) << frames;
    EXPECT_EQ(chosen.aesthetic, OracleNumbers(name + "aesthetic")) << frames;
  }
}

// Equal but for one code in few places: libtorch's interpolation, which both sides call, rounds
// differently with one thread and with several, and a sum near a half then becomes another code.
void ExpectSameCodes(const at::Tensor& view, const at::Tensor& wanted) {
  constexpr double kCode = 1 / 57.12;  // the smallest deviation of NormaliseForDover
  ASSERT_EQ(view.sizes(), wanted.sizes());
  const at::Tensor difference = (view - wanted).abs();
  EXPECT_LT(difference.max().item<double>(), 1.01 * kCode);
  EXPECT_LT(difference.gt(1e-5).to(at::kFloat).mean().item<double>(), 0.01);
}

// The oracle cut 64 frames: two parts.
at::Tensor FragmentView(int64_t height, int64_t width) {
  MixSequence random(kDoverSeed);
  const DoverFragments fragments = ChooseDoverFragments(height, width, &random, 2);
  const at::Tensor video = OraclePattern(64, height, width);
  std::vector<at::Tensor> frames;
  for (const int64_t part : {0, 1})
    frames.push_back(CutFragments(EnlargeForFragments(video[32 * part]), fragments, part));
  return OracleCrop(NormaliseForDover(at::stack(frames, 1)));
}

TEST(DoverViews, FragmentsAreThePublishedOnes) {
  EXPECT_LT(OracleError(FragmentView(270, 480), OracleValue("dover.fragments.large")), 1e-6);
  ExpectSameCodes(FragmentView(120, 200), OracleValue("dover.fragments.small"));
}

at::Tensor ResizedView(int64_t height, int64_t width) {
  const at::Tensor video = OraclePattern(2, height, width);
  return OracleCrop(
      NormaliseForDover(at::stack({ResizeForDover(video[0]), ResizeForDover(video[1])}, 1)));
}

TEST(DoverViews, ResizingIsThePublishedOne) {
  ExpectSameCodes(ResizedView(300, 500), OracleValue("dover.resized.large"));
  ExpectSameCodes(ResizedView(100, 130), OracleValue("dover.resized.small"));
}

TEST(DoverViews, CollectsFramesInAnyMultiplicity) {
  DoverViews views(20, 64, 96);
  const at::Tensor video = OraclePattern(20, 64, 96);
  for (int64_t i = 0; i < 20; ++i) {
    if (views.Wants(i)) views.Add(i, video[i]);
  }
  EXPECT_EQ(views.Technical(2).sizes(), (std::vector<int64_t>{3, 32, 224, 224}));
  const at::Tensor aesthetic = views.Aesthetic();
  EXPECT_TRUE(at::equal(aesthetic.select(1, 0), aesthetic.select(1, 31)));
  EXPECT_TRUE(at::equal(aesthetic.select(1, 0),
                        NormaliseForDover(ResizeForDover(video[0]).unsqueeze(1)).select(1, 0)));
}

TEST(DoverViews, RefusesSmallFrames) {
  EXPECT_THROW(DoverViews(10, 31, 64), Error);
  EXPECT_THROW(DoverViews(0, 64, 64), Error);
}

TEST(Dover, FusesAsPublished) {
  const DoverScores middle = FuseDover(0.1107, -0.08285);
  EXPECT_DOUBLE_EQ(middle.technical, 0.5);
  EXPECT_DOUBLE_EQ(middle.aesthetic, 0.5);
  EXPECT_DOUBLE_EQ(middle.fused, 0.5);
  EXPECT_NEAR(FuseDover(0.1107 + 0.07355, -0.08285).fused, 1 / (1 + std::exp(-0.6104)), 1e-12);
  EXPECT_NEAR(FuseDover(0.1107, -0.08285 + 0.03774).fused, 1 / (1 + std::exp(-0.3896)), 1e-12);
}

TEST(Dover, ReadsSizesFromTheTensors) {
  TestTensors file;
  for (const auto& [name, value] : OracleWeights(DoverTensors(kSmallDover)))
    file[name] = value.cpu();
  file["technical_backbone.layers.0.blocks.1.attn.relative_position_index"] =
      at::zeros({2, 2}, at::kLong);
  const NamedViews views = NameTensors(TestFile("dover.safetensors", file), DoverNaming());
  EXPECT_EQ(ReadDoverConfig(views), kSmallDover);
  EXPECT_NO_THROW(CheckComplete(views, DoverTensors(kSmallDover), "DOVER"));
  file.erase("aesthetic_head.fc_last.bias");
  const NamedViews less = NameTensors(TestFile("less.safetensors", file), DoverNaming());
  EXPECT_THAT(ErrorOf([&] { CheckComplete(less, DoverTensors(kSmallDover), "DOVER"); }),
              ::testing::HasSubstr("1 tensor is missing: aesthetic_head.fc_last.bias"));
  const auto other = TestFile("other.safetensors", {{"layers.0.weight", at::zeros({1, 1})}});
  EXPECT_THAT(ErrorOf([&] { ReadDoverConfig(NameTensors(other, DoverNaming())); }),
              ::testing::HasSubstr("does not hold DOVER"));
}

}  // namespace
}  // namespace t3
