// Files of official, diffusers and ComfyUI folders are found.
#include "pipeline/model_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

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
