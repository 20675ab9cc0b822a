// Decoders that are given beside a model: recognised, checked, loaded; hostile files refused by
// name.
#include "loading/decoder_file.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "arch/taehv.h"
#include "arch/vae.h"
#include "base/testing/error_of.h"
#include "loading/load_models.h"
#include "loading/model_files.h"
#include "loading/network.h"
#include "loading/tensor_file.h"
#include "nn/random_weights.h"
#include "t3video/error.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kMini21 = T3_SOURCE_DIR "/tests/data/reference/mini2.1";
const std::string kPlain = T3_SOURCE_DIR "/tests/data/oracle/taehv_plain.pth";
const std::string kSuper = T3_SOURCE_DIR "/tests/data/oracle/taehv_super.safetensors";

TaehvConfig TinyTaehv() { return {.widths = {4, 4, 4}, .last_width = 4, .encoder_dim = 4}; }

class DecoderFileTest : public testing::Test {
 protected:
  DecoderFileTest() { fs::create_directories(folder_); }
  ~DecoderFileTest() override { fs::remove_all(folder_); }

  // A file with these tensors.
  std::string Write(const std::string& name, const TensorTable& table) const {
    std::vector<std::pair<std::string, at::Tensor>> tensors;
    for (const TensorSpec& spec : table) {
      tensors.emplace_back(spec.name, RandomTensor(spec, DefaultScale(spec), 3, at::kFloat));
    }
    SaveTensors(folder_ / name, tensors, {});
    return folder_ / name;
  }

  // What is said of a TAEHV whose table `change` has spoilt.
  std::string ErrorOfSpoilt(const std::function<void(TensorTable&)>& change) const {
    TensorTable table = TaehvTensors(TinyTaehv());
    change(table);
    const std::string path = Write("spoilt.safetensors", table);
    return ErrorOf([&] { CheckDecoderFile(OpenDecoderFile(path, "`decoder`", nullptr)); });
  }

  fs::path folder_ = fs::path(testing::TempDir()) / ("t3_decoder_" + std::to_string(::getpid()));
  const ProgressFn silent_;
  const RunContext context_{silent_, nullptr, at::kCPU};
};

TEST_F(DecoderFileTest, ATaehvInTheVaesPlaceIsTheDecoder) {
  const ModelInfo model = OpenModel({.model = kMini21, .vae = kPlain});
  ASSERT_TRUE(model.decoder.has_value());
  EXPECT_TRUE(model.decoder->is_taehv());
  ASSERT_TRUE(model.vae.has_value());  // the folder's own, which encodes
  EXPECT_EQ(fs::path(model.paths.vae).filename(), "Wan2.1_VAE.pth");
  CheckDecoder(model);
  CheckVae(model);
  const ModelInfo alone = OpenModel({.vae = kSuper});
  EXPECT_FALSE(alone.vae.has_value());
  EXPECT_EQ(VaeOf(alone).spatial_stride(), 16);
  EXPECT_THAT(ErrorOf([&] { CheckVae(alone); }), HasSubstr("only decodes"));
  EXPECT_THAT(ErrorOf([] { OpenModel({.vae = kPlain, .decoder = kPlain}); }),
              HasSubstr("give one of the two"));
}

TEST_F(DecoderFileTest, AFolderWithATaehvAloneDecodesWithIt) {
  fs::copy(kMini21 + "/diffusion_pytorch_model.safetensors", folder_);
  fs::create_directories(folder_ / "vae");
  fs::copy(kPlain, folder_ / "vae");
  const ModelPaths paths = FindModelFiles({.model = folder_});
  EXPECT_EQ(fs::path(paths.decoder).filename(), "taehv_plain.pth");
  EXPECT_EQ(paths.vae, "");
  // With a VAE beside it, it is not taken unasked.
  fs::copy(kMini21 + "/Wan2.1_VAE.pth", folder_ / "vae");
  const ModelPaths both = FindModelFiles({.model = folder_});
  EXPECT_EQ(both.decoder, "");
  EXPECT_EQ(fs::path(both.vae).filename(), "Wan2.1_VAE.pth");
}

TEST_F(DecoderFileTest, AnotherVaeMayDecode) {
  const c10::NoGradGuard no_grad;
  const ModelInfo model = OpenModel({.model = kMini21, .decoder = kMini21 + "/Wan2.1_VAE.pth"});
  const at::Tensor latents = at::ones({16, 2, 2, 2});
  const auto decoder = LoadDecoder(model, at::kFloat, context_);
  const Vae own = LoadVae(model, VaeHalf::kDecoder, at::kFloat, context_);
  EXPECT_TRUE(decoder->Decode(latents).equal(own.Decode(latents)));
}

TEST_F(DecoderFileTest, DecodersOfOtherModelsAreRefusedByName) {
  for (const ModelFiles& files : {ModelFiles{.model = kMini21, .vae = kSuper},
                                  ModelFiles{.model = kMini21, .decoder = kSuper}}) {
    const std::string error = ErrorOf([&] { OpenModel(files); });
    EXPECT_THAT(error, HasSubstr("taehv_super.safetensors is a TAEHV super"));
    EXPECT_THAT(error, HasSubstr("48 channels, but the denoiser"));
  }
  fs::copy(kPlain, folder_ / "taehv.pth");
  EXPECT_THAT(ErrorOf([&] { OpenModel({.model = kMini21, .decoder = folder_ / "taehv.pth"}); }),
              HasSubstr("decodes latents of HunyuanVideo"));
  TaehvConfig patched = TinyTaehv();
  patched.patch = 4;
  const std::string path = Write("patched.safetensors", TaehvTensors(patched));
  EXPECT_THAT(ErrorOf([&] { OpenModel({.model = kMini21, .decoder = path}); }),
              HasSubstr("makes 32x32 pixels of a latent"));
  EXPECT_THAT(
      ErrorOf([] {
        OpenModel({.model = kMini21, .decoder = kMini21 + "/diffusion_pytorch_model.safetensors"});
      }),
      HasSubstr("neither a VAE nor a TAEHV"));
}

TEST_F(DecoderFileTest, IncompleteFilesAreRefusedByTensor) {
  EXPECT_EQ(ErrorOfSpoilt([](TensorTable&) {}), "");
  // A decoder alone is complete; an encoder must be whole where there is one.
  EXPECT_EQ(ErrorOfSpoilt([](TensorTable& table) {
              std::erase_if(table, [](const auto& s) { return s.name.starts_with("encoder."); });
            }),
            "");
  const auto without = [&](const std::string& name) {
    return ErrorOfSpoilt([&](TensorTable& table) {
      std::erase_if(table, [&](const TensorSpec& spec) { return spec.name == name; });
    });
  };
  for (const char* name : {"decoder.1.bias", "decoder.10.conv.2.weight", "decoder.19.conv.weight",
                           "decoder.22.bias", "encoder.9.conv.0.weight", "encoder.3.weight"}) {
    EXPECT_THAT(without(name), HasSubstr(name));
  }
  const auto shaped = [&](const std::string& name, std::vector<int64_t> shape) {
    return ErrorOfSpoilt([&](TensorTable& table) {
      for (TensorSpec& spec : table) {
        if (spec.name == name) spec.shape = shape;
      }
    });
  };
  EXPECT_THAT(shaped("decoder.9.conv.0.weight", {4, 4, 3, 3}),
              HasSubstr("decoder.9.conv.0.weight is (4, 4, 3, 3), wanted (4, 8, 3, 3)"));
  EXPECT_THAT(shaped("decoder.13.conv.weight", {9, 4, 1, 1}), HasSubstr("decoder.13.conv.weight"));
  EXPECT_THAT(shaped("decoder.22.weight", {5, 4, 3, 3}), HasSubstr("5 outputs"));
  EXPECT_THAT(ErrorOfSpoilt([](TensorTable& table) {
                table.push_back({"decoder.30.weight", {1}});
              }),
              HasSubstr("surplus"));
}

TEST_F(DecoderFileTest, PrefixesAreStripped) {
  for (const char* prefix : {"taehv.", "tae.", "first_stage_model."}) {
    TensorTable table = TaehvTensors(TinyTaehv());
    for (TensorSpec& spec : table) spec.name = prefix + spec.name;
    const std::string path = Write("prefixed.safetensors", table);
    EXPECT_TRUE(IsTaehvFile(path)) << prefix;
    CheckDecoderFile(OpenDecoderFile(path, "`decoder`", nullptr));
  }
  EXPECT_FALSE(IsTaehvFile(kMini21 + "/Wan2.1_VAE.pth"));
  EXPECT_FALSE(IsTaehvFile("/nowhere.pth"));
}

TEST_F(DecoderFileTest, NetworksAreRecognised) {
  EXPECT_THAT(FindNetworks(WeightFile::Open(kPlain)), testing::ElementsAre(NetworkKind::kTaehv));
  EXPECT_THAT(FindNetworks(WeightFile::Open(kMini21 + "/Wan2.1_VAE.pth")),
              testing::ElementsAre(NetworkKind::kVae));
}

}  // namespace
}  // namespace t3
