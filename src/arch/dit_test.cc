// What the denoiser's sizes are read from, and what contradicts them.
#include "arch/dit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "arch/dit_variants.h"
#include "base/check.h"

namespace t3 {
namespace {

using ::testing::HasSubstr;

const DitConfig kTensorsTestDit{.dim = 24,
                                .ffn_dim = 40,
                                .num_heads = 2,
                                .num_layers = 3,
                                .latent_channels = 5,
                                .text_dim = 7,
                                .text_len = 16,
                                .freq_dim = 8,
                                .eps = 1e-5};

NamedViews ViewsOf(const DitConfig& config) {
  NamedViews views;
  views.path = "test.safetensors";
  for (const TensorSpec& spec : DitTensors(config)) {
    views.tensors[spec.name] = {DType::kF32, spec.shape, nullptr, 0};
  }
  return views;
}

std::string ConfigError(const NamedViews& views, const nlohmann::json* config) {
  try {
    ReadDitConfig(views, config);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(DitTensors, SizesComeFromTensorsAndConfig) {
  const NamedViews views = ViewsOf(kTensorsTestDit);
  const nlohmann::json official{{"num_heads", 2}, {"text_len", 16}, {"eps", 1e-5}, {"dim", 24}};
  EXPECT_EQ(ReadDitConfig(views, &official), kTensorsTestDit);
  const nlohmann::json diffusers{{"num_attention_heads", 2}, {"attention_head_dim", 12},
                                 {"in_channels", 5},         {"num_layers", 3},
                                 {"text_len", 16},           {"eps", 1e-5}};
  EXPECT_EQ(ReadDitConfig(views, &diffusers), kTensorsTestDit);
}

TEST(DitTensors, MetadataReplacesTheConfig) {
  NamedViews views = ViewsOf(kTensorsTestDit);
  views.metadata = DitMetadata(kTensorsTestDit);
  EXPECT_EQ(ReadDitConfig(views, nullptr), kTensorsTestDit);
  views.metadata["t3.num_heads"] = "two";
  EXPECT_THAT(ConfigError(views, nullptr), HasSubstr("t3.num_heads is 'two'"));
}

TEST(DitTensors, HeadsNeedAConfigAtOddWidths) {
  EXPECT_THAT(ConfigError(ViewsOf(kTensorsTestDit), nullptr), HasSubstr("config.json"));
  DitConfig wide = kTensorsTestDit;
  wide.dim = 256;
  EXPECT_EQ(ReadDitConfig(ViewsOf(wide), nullptr).num_heads, 2);
}

TEST(DitTensors, ContradictionsAreErrors) {
  const NamedViews views = ViewsOf(kTensorsTestDit);
  for (const auto& [key, value] :
       {std::pair("dim", 32), std::pair("ffn_dim", 41), std::pair("in_dim", 16),
        std::pair("in_channels", 16), std::pair("attention_head_dim", 6)}) {
    const nlohmann::json config{{"num_heads", 2}, {key, value}};
    EXPECT_THAT(ConfigError(views, &config), HasSubstr(std::string("config.json says ") + key));
  }
  const nlohmann::json heads{{"num_heads", 5}};
  EXPECT_THAT(ConfigError(views, &heads), HasSubstr("does not split into 5 heads"));
}

TEST(DitTensors, ImpossibleNumbersAreErrors) {
  NamedViews views = ViewsOf(kTensorsTestDit);
  for (const double value : {-1.0, 0.0, 0.5, 1e300}) {
    const nlohmann::json layers{{"num_heads", 2}, {"num_layers", value}};
    EXPECT_THAT(ConfigError(views, &layers), HasSubstr("num_layers is"));
    const nlohmann::json heads{{"num_heads", value}};
    EXPECT_THAT(ConfigError(views, &heads), HasSubstr("does not split"));
  }
  views.metadata = {{"t3.num_heads", "nan"}};
  EXPECT_THAT(ConfigError(views, nullptr), HasSubstr("does not split"));
  views.tensors["patch_embedding.weight"].shape[0] = int64_t{1} << 61;
  EXPECT_THAT(ConfigError(views, nullptr), HasSubstr("impossible shape"));
}

TEST(DitTensors, ALayerTooFewIsMissing) {
  DitConfig short_config = kTensorsTestDit;
  short_config.num_layers = 2;
  const NamedViews views = ViewsOf(short_config);
  const nlohmann::json config{{"num_heads", 2}, {"num_layers", 3}};
  const DitConfig read = ReadDitConfig(views, &config);
  EXPECT_EQ(CompareWithTable(DitTensors(read), views.tensors).missing.size(), 27u);
}

TEST(DitTensors, NamesTheMissingTensor) {
  NamedViews views = ViewsOf(kTensorsTestDit);
  views.tensors.erase("text_embedding.0.weight");
  EXPECT_THAT(ConfigError(views, nullptr), HasSubstr("no tensor text_embedding.0.weight"));
}

std::string VariantError(const std::string& tensor, const nlohmann::json& config = nullptr) {
  NamedViews views;
  views.stored = {{"x", tensor}};
  try {
    RefuseOtherDits(views, &config);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(DitVariants, AreRefusedByName) {
  EXPECT_THAT(VariantError("blocks.0.self_attn.attn_op.local_attn.proj_l.weight"),
              HasSubstr("sparse-linear attention"));
  EXPECT_THAT(VariantError("condition_embedder.delta_embedder.linear_1.weight"),
              HasSubstr("AnyFlow"));
  EXPECT_THAT(VariantError("time.step_embedder.0.weight"), HasSubstr("step sizes"));
  const std::string q = "blocks.0.self_attn.q.weight";
  EXPECT_THAT(VariantError(q, {{"_class_name", "CausalWanTransformer3DModel"}}),
              HasSubstr("block-causal attention"));
  EXPECT_EQ(VariantError(q, {{"_class_name", "WanTransformer3DModel"}}), "");
}

TEST(DitTensors, ShapesThatWritersChange) {
  const auto restored = [](const char* name, std::vector<int64_t> shape) {
    DitNaming().restore_shape(name, &shape);
    return shape;
  };
  using Shape = std::vector<int64_t>;
  EXPECT_EQ(restored("blocks.3.modulation", {6, 24}), (Shape{1, 6, 24}));
  EXPECT_EQ(restored("blocks.3.modulation", {1, 6, 24}), (Shape{1, 6, 24}));
  EXPECT_EQ(restored("patch_embedding.weight", {24, 64}), (Shape{24, 16, 1, 2, 2}));
  EXPECT_EQ(restored("patch_embedding.weight", {24, 16, 1, 2, 2}), (Shape{24, 16, 1, 2, 2}));
  EXPECT_EQ(restored("head.head.weight", {6, 24}), (Shape{6, 24}));
}

TEST(DitTensors, LoraModuleNames) {
  const auto kohya = FindCanonicalUnderscored(DitNaming(), "blocks_12_cross_attn_o");
  ASSERT_TRUE(kohya);
  EXPECT_EQ(kohya->name, "blocks.12.cross_attn.o");
  EXPECT_EQ(FindCanonical(DitNaming(), "transformer.blocks.3.ffn.net.0.proj")->name,
            "blocks.3.ffn.0");
  EXPECT_EQ(FindCanonical(DitNaming(), "blocks.3.norm2.bias")->name, "blocks.3.norm3.bias");
  EXPECT_FALSE(FindCanonical(DitNaming(), "blocks.x.norm2.bias"));
  EXPECT_FALSE(FindCanonical(DitNaming(), "img_emb.proj.0.weight"));
}

}  // namespace
}  // namespace t3
