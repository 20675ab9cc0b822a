// TAEHV's table against the published files, and sizes read back from tensors.
#include "arch/taehv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "arch/decoder.h"
#include "arch/vae.h"
#include "base/check.h"
#include "config/presets.h"

namespace t3 {
namespace {

using testing::HasSubstr;

NamedViews ViewsOf(const TensorTable& table, const std::string& path) {
  NamedViews views;
  views.path = path;
  for (const TensorSpec& spec : table) {
    views.tensors[spec.name] = {DType::kF32, spec.shape, nullptr, 0};
  }
  return views;
}

TaehvConfig Taew22(TaehvBlocks blocks = TaehvBlocks::kPlain) {
  TaehvConfig config{.blocks = blocks, .latent_channels = 48, .patch = 2, .encoder_dim = 64};
  if (blocks == TaehvBlocks::kSuper) config.widths = {512, 256, 128};
  return config;
}

const TensorSpec& Find(const TensorTable& table, const std::string& name) {
  const auto found = std::ranges::find(table, name, &TensorSpec::name);
  if (found == table.end()) Fail("the table has no {}", name);
  return *found;
}

TEST(TaehvTensors, CountsThePublishedParameters) {
  EXPECT_EQ(ParameterCount(TaehvDecoderTensors({})), 9'840'320 + 4'291);  // taew2_1
  EXPECT_EQ(TaehvDecoderTensors({}).size(), 64U);
  EXPECT_NEAR(static_cast<double>(ParameterCount(TaehvDecoderTensors(Taew22()))) / 1e6, 9.92,
              0.005);
}

TEST(TaehvTensors, NamesOfThePublishedFiles) {
  const TensorTable plain = TaehvTensors({.encoder_dim = 64});
  using Shape = std::vector<int64_t>;
  EXPECT_EQ(Find(plain, "decoder.1.weight").shape, (Shape{256, 16, 3, 3}));
  EXPECT_EQ(Find(plain, "decoder.3.conv.0.weight").shape, (Shape{256, 512, 3, 3}));
  EXPECT_EQ(Find(plain, "decoder.7.conv.weight").shape, (Shape{256, 256, 1, 1}));
  EXPECT_EQ(Find(plain, "decoder.13.conv.weight").shape, (Shape{256, 128, 1, 1}));
  EXPECT_EQ(Find(plain, "decoder.19.conv.weight").shape, (Shape{128, 64, 1, 1}));
  EXPECT_EQ(Find(plain, "decoder.20.weight").shape, (Shape{64, 64, 3, 3}));
  EXPECT_EQ(Find(plain, "decoder.22.bias").shape, (Shape{3}));
  EXPECT_EQ(Find(plain, "encoder.12.conv.weight").shape, (Shape{64, 64, 1, 1}));
  EXPECT_EQ(Find(plain, "encoder.16.conv.4.bias").shape, (Shape{64}));
  EXPECT_EQ(Find(plain, "encoder.17.weight").shape, (Shape{16, 64, 3, 3}));
  const TensorTable super = TaehvTensors(Taew22(TaehvBlocks::kSuper));
  EXPECT_EQ(Find(super, "decoder.0.weight").shape, (Shape{512, 48, 1, 1}));
  EXPECT_EQ(Find(super, "decoder.17.conv.0.weight").shape, (Shape{256, 1, 7, 7}));
  EXPECT_EQ(Find(super, "decoder.18.weight").shape, (Shape{256, 128, 3, 3}));
  EXPECT_EQ(Find(super, "decoder.21.conv.weight").shape, (Shape{128, 64, 1, 1}));
  EXPECT_EQ(Find(super, "decoder.22.weight").shape, (Shape{12, 64, 3, 3}));
}

TEST(TaehvTensors, SizesComeFromTensors) {
  TaehvConfig grown{.widths = {24, 16, 8}, .last_width = 8, .stored_growth = {2, 2, 2}};
  for (const TaehvConfig& config : {TaehvConfig{}, TaehvConfig{.encoder_dim = 64}, Taew22(),
                                    Taew22(TaehvBlocks::kSuper), grown}) {
    const NamedViews views = ViewsOf(TaehvTensors(config), "/models/taew.pth");
    EXPECT_TRUE(LooksLikeTaehv(views));
    EXPECT_FALSE(LooksLikeVae(views));
    EXPECT_EQ(ReadTaehvConfig(views), config);
  }
  EXPECT_FALSE(LooksLikeTaehv(
      ViewsOf(VaeTensors(ReleaseOf(ModelFamily::kWan21, false).vae), "Wan2.1_VAE.pth")));
}

TEST(TaehvTensors, StatisticsOfDistilledFilesAndOfMetadata) {
  NamedViews views = ViewsOf(TaehvTensors({}), "/models/lighttaew2_1.safetensors");
  TaehvConfig config = ReadTaehvConfig(views);
  EXPECT_EQ(config.mean, LatentMean(VaeVersion::k21));
  views.path = "/models/mine.safetensors";
  EXPECT_TRUE(ReadTaehvConfig(views).mean.empty());
  views.metadata = TaehvMetadata(config);
  EXPECT_EQ(ReadTaehvConfig(views), config);
  for (const char* bad : {"[1,", "[1]", "{}", "[\"a\"]"}) {
    views.metadata["t3.latents_mean"] = bad;
    EXPECT_THROW(ReadTaehvConfig(views), Error) << bad;
  }
}

TEST(TaehvTensors, ImpossibleSizesAreRefused) {
  const auto error = [](const std::string& name, std::vector<int64_t> shape) {
    NamedViews views = ViewsOf(TaehvTensors({}), "x.pth");
    views.tensors.at(name).shape = std::move(shape);
    try {
      ReadTaehvConfig(views);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(error("decoder.22.weight", {4, 64, 3, 3}), HasSubstr("4 outputs"));
  EXPECT_THAT(error("decoder.13.conv.weight", {128, 128, 1, 1}), HasSubstr("makes 1 frames"));
  EXPECT_THAT(error("decoder.1.weight", {256}), HasSubstr("wanted at least 2 dimensions"));
  EXPECT_THAT(error("decoder.9.conv.4.weight", {0, 1, 1, 1}), HasSubstr("impossible shape"));
}

TEST(TaehvTensors, FilesOfOtherModelsAreKnownByName) {
  EXPECT_EQ(ForeignTaehv("/x/taehv.pth"), "HunyuanVideo");
  EXPECT_EQ(ForeignTaehv("taew2_1.pth"), "");
}

TEST(Decoder, NamesAndSizesOfBothKinds) {
  VaeConfig vae = ReleaseOf(ModelFamily::kWan21, false).vae;
  EXPECT_EQ(DecoderName(vae), "VAE 2.1");
  vae.decoder_dim = 24;
  EXPECT_EQ(DecoderName(vae), "VAE 2.1 of width 24");
  EXPECT_EQ(DecoderName(Taew22(TaehvBlocks::kSuper)), "TAEHV super");
  EXPECT_EQ(SpatialStride(Taew22()), 16);
  EXPECT_EQ(LatentChannels(TaehvConfig{}), 16);
}

}  // namespace
}  // namespace t3
