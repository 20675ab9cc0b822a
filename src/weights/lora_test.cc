// The strength of LoRAs by every writer, and adapters that are refused.
#include "weights/lora.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/check.h"
#include "weights/testing/small_file.h"

namespace t3 {
namespace {

using test::Filled;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Tensors = std::map<std::string, test::Floats>;

// Knows block.N.q and block.N.k, with or without "transformer.".
const LoraModules kModules{
    .canonical = [](std::string_view module) -> std::optional<std::string> {
      constexpr std::string_view kPrefix = "transformer.";
      if (module.starts_with(kPrefix)) module.remove_prefix(kPrefix.size());
      const bool known =
          module.starts_with("block.") && (module.ends_with(".q") || module.ends_with(".k"));
      return known ? std::optional(std::string(module)) : std::nullopt;
    },
    .is_image_layer = [](std::string_view module) { return module.ends_with("k_img"); }};

Tensors Factors(const std::string& module = "block.0.q", int64_t rank = 4) {
  return {{module + ".lora_A.weight", Filled({rank, 6}, 1)},
          {module + ".lora_B.weight", Filled({8, rank}, 1)}};
}

LoraFile ReadFrom(const test::Folder& folder, const Tensors& tensors,
                  const Metadata& metadata = {}) {
  return ReadLora(test::OpenFloats(folder, "lora.safetensors", tensors, metadata), kModules);
}

// The factor of the LoRA of block.0.q.
double Factor(const Metadata& metadata, const std::string& adapter_config = "",
              Tensors tensors = Factors()) {
  const test::Folder folder;
  if (!adapter_config.empty()) folder.Add("adapter_config.json", adapter_config);
  return ReadFrom(folder, tensors, metadata).deltas.at("block.0.q.weight").factor;
}

TEST(LoraStrength, IsOneWhereNothingIsRecorded) {
  EXPECT_EQ(Factor({}), 1);
  EXPECT_EQ(Factor({{"format", "pt"}, {"alpha", "0.5"}, {"ss_network_alpha", "None"}}), 1);
}

TEST(LoraStrength, OfMetadata) {
  EXPECT_EQ(Factor({{"rank", "4"}, {"lora_alpha", "16"}}), 4);
  EXPECT_EQ(Factor({{"lora_alpha", "16"}}), 4);
  EXPECT_EQ(Factor({{"rank", "4.0"}, {"alpha", "2.0"}}), 0.5);
  EXPECT_EQ(Factor({{"ss_network_dim", "4"}, {"ss_network_alpha", "1"}}), 0.25);
  EXPECT_EQ(Factor({{"ss_network_dim", "Dynamic"}, {"ss_network_alpha", "8"}}), 2);
  EXPECT_EQ(Factor({{"lora_alpha", "16"}, {"use_rslora", "True"}}), 8);
  const char* const key = "lora_adapter_metadata";
  EXPECT_EQ(Factor({{key, R"({"transformer.r":4,"transformer.lora_alpha":16})"}}), 4);
  EXPECT_EQ(Factor({{key, R"({"transformer":{"r":4,"lora_alpha":16}})"}}), 4);
  EXPECT_EQ(Factor({{key, R"({"r":4,"lora_alpha":16})"}}), 4);
  EXPECT_EQ(Factor({{key, R"({"text_encoder.r":4,"text_encoder.lora_alpha":99,)"
                          R"("transformer.r":4,"transformer.lora_alpha":16})"}}),
            4);
  EXPECT_EQ(Factor({{"peft_config", R"({"peft_type":"LORA","r":4,"lora_alpha":6})"}}), 1.5);
}

TEST(LoraStrength, PatternsAreExceptions) {
  const auto factor = [](const std::string& patterns) {
    return Factor({{"lora_adapter_metadata",
                    R"({"transformer.r":8,"transformer.lora_alpha":8,)" + patterns + "}"}});
  };
  const std::string rank = R"("transformer.rank_pattern":{"block.0.q":4})";
  EXPECT_EQ(factor(rank), 2);
  EXPECT_EQ(factor(rank + R"(,"transformer.alpha_pattern":{"block.0.q":1})"), 0.25);
  EXPECT_EQ(factor(rank + R"(,"transformer.alpha_pattern":{"^block\\.0\\.q$":1})"), 0.25);
  EXPECT_EQ(factor(rank + R"(,"transformer.alpha_pattern":{"q":1})"), 0.25);
  EXPECT_EQ(factor(rank + R"(,"transformer.alpha_pattern":{"q":1,"0.q":2})"), 0.5);
  EXPECT_EQ(factor(rank + R"(,"transformer.alpha_pattern":{"^q":1,"block.1.q":1,"k":1})"), 2);
  EXPECT_THAT(ErrorOf([&] { factor(rank + R"(,"transformer.alpha_pattern":{"block.*":1})"); }),
              HasSubstr("regular expression"));
}

TEST(LoraStrength, OfAdapterConfig) {
  EXPECT_EQ(Factor({}, R"({"peft_type":"LORA","r":4,"lora_alpha":16,"target_modules":["q"]})"), 4);
  EXPECT_EQ(Factor({}, R"({"r":4,"lora_alpha":16,"use_rslora":true,"alpha_pattern":{}})"), 8);
  EXPECT_EQ(Factor({{"lora_alpha", "16"}}, R"({"r":4,"lora_alpha":16})"), 4) << "they agree";
}

TEST(LoraStrength, AlphaTensorsWin) {
  Tensors tensors = Factors();
  tensors["block.0.q.alpha"] = Filled({}, 2);
  EXPECT_EQ(Factor({{"lora_alpha", "16"}}, "not even JSON", tensors), 0.5);
  tensors["transformer.block.0.q.alpha"] = Filled({}, 2);
  EXPECT_EQ(Factor({}, "", tensors), 0.5) << "twice the same";
  tensors["transformer.block.0.q.alpha"] = Filled({}, 400);
  EXPECT_THAT(ErrorOf([&] { Factor({}, "", tensors); }), HasSubstr("two strengths of one layer"));
}

TEST(LoraStrength, ContradictionsAreErrors) {
  EXPECT_THAT(ErrorOf([] {
                Factor({{"lora_alpha", "8"}}, R"({"r":4,"lora_alpha":16})");
              }),
              HasSubstr("is 2 by metadata lora_alpha and 4 by "));
  EXPECT_THAT(ErrorOf([] {
                Factor({{"lora_alpha", "8"}, {"rank", "16"}});
              }),
              HasSubstr("has rank 16, but its factors have rank 4"));
  EXPECT_THAT(ErrorOf([] { Factor({}, R"({"r":4,"lora_alpha":"16"})"); }),
              HasSubstr("lora_alpha is a string"));
  EXPECT_THAT(ErrorOf([] { Factor({}, "{"); }), HasSubstr("adapter_config.json"));
  EXPECT_THAT(ErrorOf([] { Factor({}, R"({"peft_type":"LOHA","r":4})"); }), HasSubstr("'LOHA'"));
  EXPECT_THAT(ErrorOf([] { Factor({}, R"({"use_dora":true})"); }), HasSubstr("DoRA"));
  EXPECT_THAT(ErrorOf([] {
                Factor({{"lora_adapter_metadata", std::string(100000, '[')}});
              }),
              HasSubstr("nests deeper"));
}

TEST(Lora, BiasOfTheUpFactorIsScaledWithIt) {
  const test::Folder folder;
  Tensors tensors = Factors();
  tensors["block.0.q.lora_B.bias"] = Filled({8}, 1);
  const LoraFile lora = ReadFrom(folder, tensors, {{"lora_alpha", "16"}});
  EXPECT_EQ(lora.deltas.at("block.0.q.bias").full_factor, 4);
  EXPECT_EQ(lora.deltas.at("block.0.q.bias").full->shape, std::vector<int64_t>{8});
  EXPECT_THAT(ErrorOf([&] {
                ReadFrom(folder, {{"block.0.q.lora_B.default.bias", Filled({8}, 1)}});
              }),
              HasSubstr("has no factors beside it"));
}

TEST(Lora, ImageLayersAreLeftOutWithANote) {
  const test::Folder folder;
  Tensors tensors = Factors();
  for (const auto& [name, factor] : Factors("block.0.k_img")) tensors[name] = factor;
  tensors["block.0.k_img.alpha"] = Filled({}, 4);
  tensors["block.1.k_img.diff_b"] = Filled({8}, 0);
  EXPECT_THAT(ReadFrom(folder, tensors).notes, ElementsAre(HasSubstr("acts only in part")));
  tensors["block.0.k_img.lora_B.weight"] = Filled({8, 4}, -0.F);
  const LoraFile lora = ReadFrom(folder, tensors);
  EXPECT_THAT(lora.notes, ElementsAre(HasSubstr("2 image layers ('block.0.k_img', ...) of the "
                                                "LoRA are zero")));
  EXPECT_EQ(lora.deltas.size(), 1u);
}

TEST(Lora, OtherAdaptersAreNamed) {
  const test::Folder folder;
  for (const auto& [suffix, method] :
       {std::pair(".lokr_w1", "LoKr"), std::pair(".hada_w1_a", "LoHa"),
        std::pair(".lora_magnitude_vector.default", "DoRA"), std::pair(".dora_scale", "DoRA"),
        std::pair(".oft_blocks", "OFT"), std::pair(".lora_mid.weight", "Tucker")}) {
    Tensors tensors = Factors();
    tensors[std::string("block.0.q") + suffix] = Filled({4, 4}, 1);
    EXPECT_THAT(ErrorOf([&] { ReadFrom(folder, tensors); }), HasSubstr(method)) << suffix;
    EXPECT_TRUE(LooksLikeLora(
        test::OpenFloats(folder, "x", {{std::string("b") + suffix, Filled({1}, 1)}})->tensors()));
  }
}

TEST(Lora, IsDescribed) {
  const test::Folder folder;
  Tensors tensors = Factors();
  EXPECT_EQ(DescribeLora(ReadFrom(folder, tensors, {{"lora_alpha", "8"}})), "rank 4, alpha/rank 2");
  for (const auto& [name, factor] : Factors("block.1.q", 16)) tensors[name] = factor;
  EXPECT_EQ(DescribeLora(ReadFrom(folder, tensors, {{"lora_alpha", "8"}})),
            "ranks 4 to 16, alpha/rank 0.5 to 2");
}

TEST(Lora, FoldersStandForTheirFile) {
  const test::Folder folder;
  EXPECT_THAT(ErrorOf([&] { FindLoraFile(folder.Path("")); }), HasSubstr("holds no LoRA"));
  const std::string one = test::WriteFloats(folder, "x.safetensors", Factors());
  EXPECT_EQ(std::filesystem::path(FindLoraFile(folder.Path(""))).filename(), "x.safetensors");
  EXPECT_EQ(FindLoraFile(one), one);
  test::WriteFloats(folder, "y.safetensors", Factors());
  EXPECT_THAT(ErrorOf([&] { FindLoraFile(folder.Path("")); }), HasSubstr("holds several"));
  test::WriteFloats(folder, "adapter_model.safetensors", Factors());
  EXPECT_EQ(std::filesystem::path(FindLoraFile(folder.Path(""))).filename(),
            "adapter_model.safetensors");
}

}  // namespace
}  // namespace t3
