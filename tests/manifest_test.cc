// Our tables of tensors against the published full-size files, names and shapes both ways, and the
// sizes that are read off them against the presets.
#include "manifest.h"

#include <gtest/gtest.h>

#include <set>

#include "arch/aesthetic_head.h"
#include "arch/clip.h"
#include "arch/dit.h"
#include "arch/dover.h"
#include "arch/musiq.h"
#include "arch/taehv.h"
#include "arch/text_encoder.h"
#include "arch/vae.h"
#include "base/check.h"
#include "config/presets.h"

namespace t3 {
namespace {

// A file with a manifest's tensors and no data.
class ManifestFile : public WeightFile {
 public:
  explicit ManifestFile(const std::string& name, const std::string& prefix = "") {
    path_ = name;
    for (auto& [tensor, view] : ReadManifest(name).tensors) tensors_[prefix + tensor] = view;
  }
};

NamedViews Named(const std::string& manifest, const Naming& naming,
                 const std::string& prefix = "") {
  return NameTensors(std::make_shared<ManifestFile>(manifest, prefix), naming);
}

void ExpectTable(const NamedViews& views, const TensorTable& table, const char* style) {
  EXPECT_EQ(DescribeDifferences(CompareWithTable(table, views.tensors)), "") << views.path;
  EXPECT_EQ(views.tensors.size(), table.size()) << views.path;
  EXPECT_EQ(views.styles, std::vector<std::string>{style}) << views.path;
  EXPECT_TRUE(views.left_out.empty());
}

TEST(Manifests, DitTables) {
  for (const auto& [size, preset] :
       {std::pair("1.3b", "wan2.1-1.3b"), std::pair("5b", "wan2.2-5b")}) {
    const DitConfig& config = FindPreset(preset).dit;
    for (const char* style : {"original", "diffusers"}) {
      const NamedViews views = Named(fmt::format("dit-{}.{}", size, style), DitNaming());
      ExpectTable(views, DitTensors(config), style);
      EXPECT_EQ(ReadDitConfig(views, nullptr), config);
      EXPECT_TRUE(LooksLikeDit(views));
      EXPECT_FALSE(LooksLikeTextEncoder(Named(views.path, TextEncoderNaming())));
      EXPECT_FALSE(LooksLikeVae(Named(views.path, VaeNaming(VaeVersion::k21))));
      EXPECT_FALSE(LooksLikeVae(Named(views.path, VaeNaming(VaeVersion::k22))));
    }
  }
}

TEST(Manifests, ComfyPrefixes) {
  for (const char* prefix : {"model.diffusion_model.", "diffusion_model.", "module.", "model."}) {
    const NamedViews views = Named("dit-1.3b.original", DitNaming(), prefix);
    ExpectTable(views, DitTensors(FindPreset("wan2.1-1.3b").dit), "original");
    EXPECT_TRUE(views.prefixed);
  }
  ExpectTable(
      Named("umt5-xxl.transformers", TextEncoderNaming(), "text_encoders.umt5xxl.transformer."),
      TextEncoderTensors(FindPreset("wan2.1-1.3b").text), "transformers");
  ExpectTable(Named("vae-2.1.original", VaeNaming(VaeVersion::k21), "first_stage_model."),
              VaeTensors(FindPreset("wan2.1-1.3b").vae), "original");
}

TEST(Manifests, TextEncoderTables) {
  const TextEncoderConfig& config = FindPreset("wan2.1-1.3b").text;
  for (const char* style : {"original", "transformers"}) {
    const NamedViews views = Named(fmt::format("umt5-xxl.{}", style), TextEncoderNaming());
    ExpectTable(views, TextEncoderTensors(config), style);
    EXPECT_EQ(ReadTextEncoderConfig(views), config);
    EXPECT_TRUE(LooksLikeTextEncoder(views));
    EXPECT_FALSE(LooksLikeDit(Named(views.path, DitNaming())));
    EXPECT_FALSE(LooksLikeVae(Named(views.path, VaeNaming(VaeVersion::k21))));
  }
}

TEST(Manifests, VaeTables) {
  for (const auto& [version, preset] :
       {std::pair("2.1", "wan2.1-1.3b"), std::pair("2.2", "wan2.2-5b")}) {
    const VaeConfig& config = FindPreset(preset).vae;
    for (const char* style : {"original", "diffusers"}) {
      const std::string name = fmt::format("vae-{}.{}", version, style);
      EXPECT_EQ(ReadVaeVersion(ReadManifest(name).tensors), config.version);
      const NamedViews views = Named(name, VaeNaming(config.version));
      ExpectTable(views, VaeTensors(config), style);
      EXPECT_EQ(ReadVaeConfig(views, nullptr), config);
      EXPECT_TRUE(LooksLikeVae(views));
      EXPECT_FALSE(LooksLikeDit(Named(name, DitNaming())));
      EXPECT_FALSE(LooksLikeTextEncoder(Named(name, TextEncoderNaming())));
    }
  }
}

TEST(Manifests, TaehvTables) {
  TaehvConfig taew21{.encoder_dim = 64};
  TaehvConfig taew22{.latent_channels = 48, .patch = 2, .encoder_dim = 64};
  TaehvConfig super = taew22;
  super.blocks = TaehvBlocks::kSuper;
  super.widths = {512, 256, 128};
  for (const auto& [name, config] : {std::pair("taew2_1", taew21), std::pair("taew2_2", taew22),
                                     std::pair("taew2_2_super", super)}) {
    const NamedViews views = Named(name, TaehvNaming());
    ExpectTable(views, TaehvTensors(config), "original");
    EXPECT_EQ(ReadTaehvConfig(views), config);
    EXPECT_TRUE(LooksLikeTaehv(views));
    for (const VaeVersion version : {VaeVersion::k21, VaeVersion::k22})
      EXPECT_FALSE(LooksLikeVae(Named(name, VaeNaming(version))));
    EXPECT_FALSE(LooksLikeDit(Named(name, DitNaming())));
  }
  EXPECT_FALSE(LooksLikeTaehv(Named("vae-2.1.original", TaehvNaming())));
  EXPECT_FALSE(LooksLikeTaehv(Named("vae-2.2.diffusers", TaehvNaming())));
}

// Like ExpectTable, for files that keep more than the network uses.
void ExpectTensors(const NamedViews& views, const TensorTable& table) {
  EXPECT_EQ(DescribeDifferences(CompareWithTable(table, views.tensors)), "") << views.path;
}

TEST(Manifests, ScoreNetworkTables) {
  ClipConfig vit_l14{.image = {1024, 24},
                     .text = {768, 12},
                     .embedding = 768,
                     .patch = 14,
                     .image_size = 224,
                     .context = 77,
                     .vocab_size = 49408};
  for (const char* style : {"original", "transformers"}) {
    vit_l14.separate = style == std::string("transformers");
    const NamedViews views = Named(std::string("clip.") + style, ClipNaming());
    EXPECT_EQ(ReadClipConfig(views), vit_l14);
    ExpectTensors(views, ClipTensors(vit_l14));
    EXPECT_EQ(views.left_out, std::vector<std::string>{"logit_scale"});
    EXPECT_EQ(views.styles, std::vector<std::string>{style});
  }
  const NamedViews dover = Named("dover", DoverNaming());
  EXPECT_EQ(ReadDoverConfig(dover), DoverConfig{});
  ExpectTensors(dover, DoverTensors({}));
  EXPECT_EQ(dover.left_out.size(), 12u);  // relative_position_index of each block
  const NamedViews musiq = Named("musiq", MusiqNaming());
  EXPECT_EQ(ReadMusiqConfig(musiq), MusiqConfig{});
  ExpectTensors(musiq, MusiqTensors({}));
  const NamedViews head = Named("aesthetic", AestheticNaming());
  const AestheticConfig widths{{768, 1024, 128, 64, 16, 1}};
  EXPECT_EQ(ReadAestheticConfig(head), widths);
  ExpectTensors(head, AestheticTensors(widths));
}

TEST(Manifests, NamesAreDistinctInEachFamily) {
  // Both families name the same tensors: their canonical sets are equal, their stored ones are not.
  const NamedViews original = Named("vae-2.2.original", VaeNaming(VaeVersion::k22));
  const NamedViews diffusers = Named("vae-2.2.diffusers", VaeNaming(VaeVersion::k22));
  for (const auto& [name, stored] : original.stored) EXPECT_EQ(name, stored);
  for (const auto& [name, stored] : diffusers.stored) EXPECT_TRUE(original.stored.contains(name));
}

}  // namespace
}  // namespace t3
