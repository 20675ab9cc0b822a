// Sampling that files state, and which statement counts.
#include "loading/distillation.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/testing/error_of.h"
#include "loading/model_info.h"
#include "loading/sampling_json.h"
#include "loading/tensor_file.h"
#include "t3video/error.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::string kMini = T3_SOURCE_DIR "/tests/data/reference/mini2.1";

// The small model in a folder of its own.
class ModelFolder {
 public:
  ModelFolder() { fs::copy(kMini, folder_.Path(""), fs::copy_options::recursive); }
  std::string Path(const std::string& name) const { return folder_.Path(name); }
  ModelInfo Open() const { return OpenModel({.model = Path("")}); }
  void WriteDefaults(const json& fields) const { std::ofstream(Path("t3.json")) << fields; }
  // The denoiser with metadata, under another name.
  std::string WriteDit(const std::string& name, const Metadata& metadata) const {
    const auto file = WeightFile::Open(Path("diffusion_pytorch_model.safetensors"));
    std::vector<std::pair<std::string, at::Tensor>> tensors;
    for (const auto& [tensor, view] : file->tensors())
      tensors.emplace_back(tensor, ReadTensor(*file, tensor));
    Metadata all = file->metadata();
    all.insert(metadata.begin(), metadata.end());
    SaveTensors(Path(name), tensors, all);
    return Path(name);
  }

 private:
  test::Folder folder_;
};

const Metadata kStated{
    {kSamplingKey, R"({"sampler": "renoise", "timesteps": [1000, 937.5, 833.3, 625]})"}};

TEST(Distillation, BaseWeightsStateNothing) {
  const ModelInfo model = ModelFolder().Open();
  EXPECT_FALSE(model.distilled);
  EXPECT_EQ(model.defaults.sampling, SamplingConfig{});
}

TEST(Distillation, MetadataCountBeforeTheFolder) {
  const ModelFolder folder;
  folder.WriteDefaults({{"steps", 50}, {"guidance", 4}});
  fs::rename(folder.WriteDit("new.safetensors", kStated),
             folder.Path("diffusion_pytorch_model.safetensors"));
  const ModelInfo model = folder.Open();
  ASSERT_TRUE(model.distilled);
  EXPECT_EQ(model.distilled->source, "the file's metadata");
  const SamplingConfig& sampling = model.defaults.sampling;
  EXPECT_EQ(sampling.sampler, Sampler::kRenoise);
  EXPECT_EQ(sampling.timesteps, (std::vector<double>{1000, 937.5, 833.3, 625}));
  EXPECT_EQ(sampling.steps, 4);
  EXPECT_EQ(sampling.guidance, 1);
}

TEST(Distillation, TheFolderCountsBeforeTheName) {
  const ModelFolder folder;
  fs::rename(folder.Path("diffusion_pytorch_model.safetensors"),
             folder.Path("wan_lightx2v_4step.safetensors"));
  ASSERT_TRUE(folder.Open().distilled);
  EXPECT_EQ(folder.Open().defaults.sampling.steps, 4);
  folder.WriteDefaults({{"guidance", 2}});  // says nothing of steps
  EXPECT_EQ(folder.Open().defaults.sampling.guidance, 1);
  folder.WriteDefaults({{"steps", 8}});
  EXPECT_FALSE(folder.Open().distilled);
  EXPECT_EQ(folder.Open().defaults.sampling.steps, 8);
}

TEST(Distillation, ADenoiserFromElsewhereIsNotTheFolders) {
  const ModelFolder folder;
  folder.WriteDefaults({{"steps", 50}});
  const std::string dit = folder.WriteDit("rCM_Wan2.1.safetensors", {});
  const ModelInfo model = OpenModel({.model = kMini, .dit = dit});
  ASSERT_TRUE(model.distilled);
  EXPECT_EQ(model.distilled->name, "rCM");
  EXPECT_EQ(model.defaults.sampling.sampler, Sampler::kRcm);
}

TEST(Distillation, CausalModelsAreRefused) {
  const ModelFolder folder;
  const std::string dit = folder.WriteDit("self_forcing_dmd.safetensors", {});
  try {
    OpenModel({.model = kMini, .dit = dit});
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("Self-Forcing"), std::string::npos) << error.what();
  }
}

TEST(SamplingJson, IsReadAsItIsWritten) {
  for (const SamplingConfig& wanted :
       {SamplingConfig{},
        SamplingConfig{.sampler = Sampler::kRenoise, .steps = 2, .timesteps = {1000, 522}},
        SamplingConfig{.sampler = Sampler::kRcm, .steps = 3, .guidance = 1},
        SamplingConfig{.sampler = Sampler::kEuler, .steps = 1, .sigmas = {0.987654321}}}) {
    const SamplingConfig other{.sampler = Sampler::kEuler, .steps = 1, .timesteps = {500}};
    EXPECT_EQ(ParseSampling(SamplingJson(wanted).dump(), "x", other), wanted);
  }
}

TEST(SamplingJson, WrongOnesAreErrorsThatNameTheField) {
  const auto error_of = [](const char* text) {
    return ErrorOf([&] { ParseSampling(text, "x.safetensors", {}); });
  };
  const std::string where = "x.safetensors: ";
  EXPECT_EQ(error_of(R"({"timesteps": [522, 757]})"),
            where + "\"timesteps\": levels must fall from step to step, but 757 follows 522");
  EXPECT_EQ(error_of(R"({"sigmas": []})"), where + "\"sigmas\" is an empty list");
  EXPECT_EQ(error_of(R"({"sigmas": [1, 0]})"),
            where + "\"sigmas\": 0 is not above 0 and at most 1");
  EXPECT_EQ(error_of(R"({"sigmas": [7]})"), where + "\"sigmas\" is 7, wanted a number from 0 to 1");
  EXPECT_EQ(error_of(R"({"sigmas": ["a"]})"),
            where + "\"sigmas\" is \"a\", wanted a number from 0 to 1");
  EXPECT_EQ(error_of(R"({"timesteps": [1000], "steps": 3})"),
            where + "\"steps\" is 3, but the list of noise levels has 1; leave \"steps\" out");
  for (const char* text : {R"({"timesteps": [1000], "sigmas": [1]})", R"({"sampler": "heun"})",
                           R"({"step": 3})", "[4]", "{", ""})
    EXPECT_NE(error_of(text), "") << text;
}

}  // namespace
}  // namespace t3
