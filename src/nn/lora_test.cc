// Every naming of LoRA files, and files that fit nothing.
#include "nn/lora.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/check.h"
#include "nn/testing/weight_file.h"

namespace t3 {
namespace {

using ::testing::HasSubstr;

const TensorTable kLoraTable{{"blocks.7.self_attn.q.weight", {6, 4}},
                             {"blocks.7.self_attn.q.bias", {6}},
                             {"blocks.7.modulation", {1, 6, 4}},
                             {"patch.weight", {6, 2, 1, 2, 2}}};

const Naming& LoraNaming() {
  static const Naming naming{
      .network = "test net",
      .prefixes = {"diffusion_model.", "transformer."},
      .foreign = {},
      .extras = {},
      .rules = {{"blocks.#.self_attn.q", "blocks.#.self_attn.q", "original"},
                {"blocks.#.modulation", "blocks.#.modulation", "original"},
                {"patch", "patch", "original"},
                {"blocks.#.attn1.to_q", "blocks.#.self_attn.q", "diffusers"}}};
  return naming;
}

struct Factors {
  at::Tensor up = at::randn({6, 2});
  at::Tensor down = at::randn({2, 4});
};

// The change that a file with these tensors makes to the tensor `name` at `scale`.
at::Tensor DeltaOf(const std::string& name, at::IntArrayRef shape, const TestTensors& tensors,
                   double scale = 1) {
  const std::string path = TestPath("lora.safetensors");
  WriteTestFile(path, tensors);
  const LoraStack stack({{path, scale}}, kLoraTable, LoraNaming());
  EXPECT_TRUE(stack.Changes(name));
  at::Tensor weight = at::zeros(shape);
  stack.AddTo(name, weight);
  return weight;
}

TEST(Lora, KnowsEveryNaming) {
  const Factors f;
  const std::pair<const char*, const char*> kinds[] = {
      {".lora_A.weight", ".lora_B.weight"},
      {".lora_A.default.weight", ".lora_B.default.weight"},
      {".lora_down.weight", ".lora_up.weight"},
      {".lora.down.weight", ".lora.up.weight"},
      {".lora_A", ".lora_B"}};
  for (const char* module :
       {"diffusion_model.blocks.7.self_attn.q", "blocks.7.self_attn.q",
        "transformer.blocks.7.attn1.to_q", "base_model.model.blocks.7.self_attn.q",
        "lora_unet_blocks_7_self_attn_q", "lora_unet_blocks_7_attn1_to_q",
        "lora_unet__blocks_7_self_attn_q", "lora_transformer_blocks_7_attn1_to_q",
        "lora_unet_diffusion_model_blocks_7_self_attn_q", "lycoris_blocks_7_self_attn_q",
        "base_model.model.transformer.blocks.7.attn1.to_q"}) {
    for (const auto& [down, up] : kinds) {
      const at::Tensor delta =
          DeltaOf("blocks.7.self_attn.q.weight", {6, 4},
                  {{std::string(module) + down, f.down}, {std::string(module) + up, f.up}});
      EXPECT_TRUE(at::allclose(delta, at::mm(f.up, f.down))) << module << down;
    }
  }
}

TEST(Lora, AlphaOverRankAndScale) {
  const Factors f;
  for (const at::Tensor& alpha :
       {at::full({}, 8.0), at::full({1}, 8.0, at::kDouble), at::full({}, 8.0, at::kHalf),
        at::full({}, 8.0, at::kBFloat16), at::full({}, 8, at::kLong), at::full({}, 8, at::kInt)}) {
    const at::Tensor delta = DeltaOf("blocks.7.self_attn.q.weight", {6, 4},
                                     {{"blocks.7.self_attn.q.lora_down.weight", f.down},
                                      {"blocks.7.self_attn.q.lora_up.weight", f.up},
                                      {"blocks.7.self_attn.q.alpha", alpha}},
                                     -0.5);
    EXPECT_TRUE(at::allclose(delta, at::mm(f.up, f.down) * (8.0 / 2) * -0.5));
  }
}

TEST(Lora, AddsFullDeltas) {
  const at::Tensor weight = at::randn({6, 4});
  const at::Tensor bias = at::randn({6});
  const at::Tensor modulation = at::randn({1, 6, 4});
  const TestTensors tensors{{"diffusion_model.blocks.7.self_attn.q.diff", weight},
                            {"diffusion_model.blocks.7.self_attn.q.diff_b", bias},
                            {"diffusion_model.blocks.7.diff_m", modulation}};
  EXPECT_TRUE(at::allclose(DeltaOf("blocks.7.self_attn.q.weight", {6, 4}, tensors, 2), weight * 2));
  EXPECT_TRUE(at::allclose(DeltaOf("blocks.7.self_attn.q.bias", {6}, tensors, 2), bias * 2));
  EXPECT_TRUE(at::allclose(DeltaOf("blocks.7.modulation", {1, 6, 4}, tensors), modulation));
  const TestTensors renamed{{"diffusion_model.blocks.7.modulation.diff", modulation}};
  EXPECT_TRUE(at::equal(DeltaOf("blocks.7.modulation", {1, 6, 4}, renamed, 3), modulation * 3));
}

TEST(Lora, BiasOfTheUpFactorCountsAsTheFactors) {
  const Factors f;
  const at::Tensor bias = at::randn({6});
  const TestTensors tensors{{"blocks.7.self_attn.q.lora_A.weight", f.down},
                            {"blocks.7.self_attn.q.lora_B.weight", f.up},
                            {"blocks.7.self_attn.q.lora_B.bias", bias},
                            {"blocks.7.self_attn.q.alpha", at::full({}, 8.0)}};
  EXPECT_TRUE(
      at::allclose(DeltaOf("blocks.7.self_attn.q.bias", {6}, tensors, 0.5), bias * 4 * 0.5));
}

TEST(Lora, WhatIsNotFiniteNamesTheLora) {
  const Factors f;
  for (const auto& [up, down] :
       {std::pair(f.up, f.down * NAN), std::pair(f.up * 1e30, f.down * 1e30)}) {
    EXPECT_THAT(ErrorOf([&, &up = up, &down = down] {
                  DeltaOf("blocks.7.self_attn.q.weight", {6, 4},
                          {{"blocks.7.self_attn.q.lora_A.weight", down},
                           {"blocks.7.self_attn.q.lora_B.weight", up}});
                }),
                testing::AllOf(HasSubstr("lora.safetensors"), HasSubstr("self_attn.q.lora_"),
                               HasSubstr("NaN or infinity")));
  }
}

TEST(Lora, MergesConvolutions) {
  const at::Tensor up = at::randn({6, 3, 1, 1, 1});
  const at::Tensor down = at::randn({3, 2, 1, 2, 2});
  const at::Tensor delta =
      DeltaOf("patch.weight", {6, 2, 1, 2, 2},
              {{"patch.lora_up.weight", up}, {"patch.lora_down.weight", down}});
  EXPECT_TRUE(at::allclose(delta.flatten(1), at::mm(up.flatten(1), down.flatten(1))));
}

TEST(Lora, SeveralAddUpInLoadedWeights) {
  const Factors a;
  const Factors b;
  const at::Tensor weight = at::randn({6, 4});
  const std::string first = TestPath("a.safetensors");
  const std::string second = TestPath("b.safetensors");
  WriteTestFile(first, {{"blocks.7.self_attn.q.lora_A.weight", a.down.to(at::kBFloat16)},
                        {"blocks.7.self_attn.q.lora_B.weight", a.up.to(at::kBFloat16)}});
  WriteTestFile(second, {{"blocks.7.self_attn.q.lora_A.weight", b.down},
                         {"blocks.7.self_attn.q.lora_B.weight", b.up}});
  const TensorTable table{kLoraTable[0]};
  LoadOptions options;
  options.dtype = at::kBFloat16;
  options.loras = {{first, 0.75}, {second, -2}};
  const TensorMap loaded = LoadTensors(
      NameTensors(TestFile("w.safetensors", {{table[0].name, weight.to(at::kBFloat16)}}),
                  LoraNaming()),
      table, LoraNaming(), options);
  const at::Tensor wanted = weight.to(at::kBFloat16).to(at::kFloat) +
                            0.75 * at::mm(a.up.to(at::kBFloat16).to(at::kFloat),
                                          a.down.to(at::kBFloat16).to(at::kFloat)) -
                            2 * at::mm(b.up, b.down);
  EXPECT_EQ(loaded.at(table[0].name).scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::allclose(loaded.at(table[0].name).to(at::kFloat), wanted, 0.01, 0.01));
}

std::string LoraError(const TestTensors& tensors) {
  const std::string path = TestPath("bad.safetensors");
  WriteTestFile(path, tensors);
  return ErrorOf([&] { LoraStack({{path, 1}}, kLoraTable, LoraNaming()); });
}

TEST(Lora, RejectsWhatFitsNothing) {
  const Factors f;
  EXPECT_THAT(
      LoraError({{"blocks.7.cross.lora_A.weight", f.down}, {"blocks.7.cross.lora_B.weight", f.up}}),
      HasSubstr("2 of its entries match nothing in the network: 'blocks.7.cross.lora_A"));
  EXPECT_THAT(LoraError({{"blocks.8.self_attn.q.lora_A.weight", f.down},
                         {"blocks.8.self_attn.q.lora_B.weight", f.up}}),
              HasSubstr("blocks.8.self_attn.q.weight, which the test net does not have"));
  EXPECT_THAT(LoraError({{"blocks.7.self_attn.q.lora_A.weight", f.down}}),
              HasSubstr("only one of its two factors"));
  EXPECT_THAT(LoraError({{"blocks.7.self_attn.q.alpha", at::ones({1})}}),
              HasSubstr("no LoRA weights"));
  EXPECT_THAT(LoraError({{"blocks.7.self_attn.q.lora_A.weight", at::zeros({2, 5})},
                         {"blocks.7.self_attn.q.lora_B.weight", f.up}}),
              HasSubstr("do not make its shape (6, 4)"));
  EXPECT_THAT(LoraError({{"blocks.7.self_attn.q.lora_A.weight", at::zeros({3, 4})},
                         {"blocks.7.self_attn.q.lora_B.weight", f.up}}),
              HasSubstr("wanted (out, rank) and (rank, in)"));
  EXPECT_THAT(LoraError({{"blocks.7.self_attn.q.diff", at::zeros({4, 5})}}),
              HasSubstr("the change of blocks.7.self_attn.q.weight is (4, 5), wanted (6, 4)"));
  EXPECT_THAT(LoraError({{"blocks.7.self_attn.q.lora_A.weight", f.down},
                         {"blocks.7.self_attn.q.lora_B.weight", f.up},
                         {"blocks.7.self_attn.q.alpha", at::ones({2})}}),
              HasSubstr("must be one finite number"));
  EXPECT_THAT(LoraError({{"blocks.7.self_attn.q.lora_A.weight", f.down},
                         {"blocks.7.self_attn.q.lora_B.weight", f.up},
                         {"blocks.7.self_attn.q.dora_scale", at::ones({6})}}),
              HasSubstr("blocks.7.self_attn.q.dora_scale"));
}

TEST(Lora, IsTold) {
  TensorViews views;
  views["blocks.0.q.weight"] = {};
  EXPECT_FALSE(LooksLikeLora(views));
  views["blocks.0.q.lora_up.weight"] = {};
  EXPECT_TRUE(LooksLikeLora(views));
}

}  // namespace
}  // namespace t3
