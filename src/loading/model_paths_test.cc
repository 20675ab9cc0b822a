// Files of official, diffusers, ComfyUI and cache folders are found by their names.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "loading/model_files.h"
#include "loading/model_layouts.h"
#include "t3video/error.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

class ModelPathsTest : public testing::Test {
 protected:
  ModelPathsTest() : folder_(fs::temp_directory_path() / "t3_model_paths_test") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~ModelPathsTest() override { fs::remove_all(folder_); }

  std::string Touch(const std::string& name) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "x";
    return path.string();
  }
  ModelPaths Find() { return FindModelFiles({.model = folder_.string()}); }

  fs::path folder_;
};

TEST_F(ModelPathsTest, Official) {
  Touch("diffusion_pytorch_model-00001-of-00002.safetensors");
  const std::string index = Touch("diffusion_pytorch_model.safetensors.index.json");
  const std::string config = Touch("config.json");
  const std::string text = Touch("models_t5_umt5-xxl-enc-bf16.pth");
  const std::string vae = Touch("Wan2.2_VAE.pth");
  const std::string tokenizer = Touch("google/umt5-xxl/spiece.model");
  const ModelPaths paths = Find();
  EXPECT_EQ(paths.dit, index);
  EXPECT_EQ(paths.dit_config, config);
  EXPECT_EQ(paths.text_encoder, text);
  EXPECT_EQ(paths.vae, vae);
  EXPECT_EQ(paths.tokenizer, tokenizer);
  EXPECT_TRUE(paths.dit_from_folder);
}

TEST_F(ModelPathsTest, Diffusers) {
  const std::string dit = Touch("transformer/diffusion_pytorch_model.safetensors");
  const std::string config = Touch("transformer/config.json");
  const std::string vae = Touch("vae/diffusion_pytorch_model.safetensors");
  const std::string text = Touch("text_encoder/model.safetensors.index.json");
  const std::string tokenizer = Touch("tokenizer/spiece.model");
  const ModelPaths paths = Find();
  EXPECT_EQ(paths.dit, dit);
  EXPECT_EQ(paths.dit_config, config);
  EXPECT_EQ(paths.vae, vae);
  EXPECT_EQ(paths.text_encoder, text);
  EXPECT_EQ(paths.tokenizer, tokenizer);
}

TEST_F(ModelPathsTest, ComfyUi) {
  const std::string dit = Touch("wan2.1_t2v_1.3B_bf16.safetensors");
  const std::string text = Touch("umt5_xxl_fp8_e4m3fn_scaled.safetensors");
  const std::string vae = Touch("wan_2.1_vae.safetensors");
  const ModelPaths paths = Find();
  EXPECT_EQ(paths.dit, dit);
  EXPECT_EQ(paths.text_encoder, text);
  EXPECT_EQ(paths.vae, vae);
}

TEST_F(ModelPathsTest, KijaisNames) {
  const std::string dit = Touch("Wan2_1-T2V-1_3B_bf16.safetensors");
  const std::string vae = Touch("Wan2_1_VAE_bf16.safetensors");
  const std::string text = Touch("umt5-xxl-enc-bf16.safetensors");
  const ModelPaths paths = Find();
  EXPECT_EQ(paths.text_encoder, text);
  EXPECT_EQ(paths.vae, vae);
  EXPECT_EQ(paths.dit, dit);
}

TEST_F(ModelPathsTest, ComfyUiRoots) {
  for (const std::string root : {"", "models/", "ComfyUI/models/"}) {
    std::filesystem::remove_all(folder_);
    const std::string dit = Touch(root + "unet/Wan/some name.safetensors");
    const std::string text = Touch(root + "clip/encoder.safetensors");
    const std::string vae = Touch(root + "vae/Wan2.1_VAE.pth");
    const ModelPaths paths = Find();
    EXPECT_EQ(paths.dit, dit);
    EXPECT_EQ(paths.text_encoder, text);
    EXPECT_EQ(paths.vae, vae);
  }
  const ModelPaths beside = FindModelFiles({.model = (folder_ / "ComfyUI/models/unet").string()});
  EXPECT_TRUE(beside.vae.ends_with("vae/Wan2.1_VAE.pth")) << "beside a folder of denoisers";
}

TEST_F(ModelPathsTest, HuggingFaceCaches) {
  const std::string model = "hub/models--Wan-AI--Wan2.1-T2V-1.3B";
  const std::string dit = Touch(model + "/snapshots/aaa/diffusion_pytorch_model.safetensors");
  EXPECT_EQ(FindModelFiles({.model = (folder_ / model).string()}).dit, dit);
  EXPECT_EQ(FindModelFiles({.model = (folder_ / "hub").string()}).dit, dit);
  const std::string other = Touch(model + "/snapshots/bbb/diffusion_pytorch_model.safetensors");
  Touch(model + "/refs/main");
  std::ofstream(folder_ / model / "refs/main") << "bbb\n";
  EXPECT_EQ(FindModelFiles({.model = (folder_ / model).string()}).dit, other);
  std::ofstream(folder_ / model / "refs/main") << "../../x";
  EXPECT_FALSE(FindModelFiles({.model = (folder_ / model).string()}).dit.empty());
  Touch("hub/models--a--b/snapshots/c/x");
  EXPECT_THROW(FindModelFiles({.model = (folder_ / "hub").string()}), Error) << "which one?";
}

TEST_F(ModelPathsTest, ShardsAreOneFile) {
  const std::string first = Touch("diffusion_pytorch_model-00001-of-00002.safetensors");
  Touch("diffusion_pytorch_model-00002-of-00002.safetensors");
  EXPECT_EQ(Find().dit, first);
  EXPECT_EQ(FindCandidates(folder_.string(), ModelPart::kDit).size(), 1u);
}

TEST_F(ModelPathsTest, MessagesSayWhatIsThere) {
  Touch("readme.txt");
  fs::create_symlink("nowhere", folder_ / "blob.safetensors");
  const std::string text = DescribeSearch(folder_.string(), ModelPart::kVae);
  EXPECT_NE(text.find("vae/"), std::string::npos) << text;
  EXPECT_NE(text.find("it holds blob.safetensors (a broken link), readme.txt"), std::string::npos)
      << text;
}

TEST_F(ModelPathsTest, ADitOverAFolderKeepsTheFoldersConfig) {
  Touch("diffusion_pytorch_model.safetensors");
  const std::string config = Touch("config.json");
  const std::string over = Touch("elsewhere/T3-Video-Wan2.1-T2V-1.3B.safetensors");
  const ModelPaths paths = FindModelFiles({.model = folder_.string(), .dit = over});
  EXPECT_EQ(paths.dit, over);
  EXPECT_EQ(paths.dit_config, config);
  EXPECT_FALSE(paths.dit_from_folder);
}

TEST_F(ModelPathsTest, MissingThingsAreErrors) {
  EXPECT_THROW(FindModelFiles({.model = (folder_ / "none").string()}), Error);
  EXPECT_THROW(FindModelFiles({.model = folder_.string(), .vae = "no.pth"}), Error);
  EXPECT_TRUE(Find().dit.empty());
}

}  // namespace
}  // namespace t3
