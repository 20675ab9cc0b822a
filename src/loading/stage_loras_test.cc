// LoRAs that a folder names: which stage has which, and what is refused.
#include "loading/stage_loras.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/testing/error_of.h"
#include "loading/load_models.h"
#include "loading/model_info.h"
#include "loading/sampling_json.h"
#include "loading/tensor_file.h"
#include "t3video/error.h"
#include "t3video/request_options.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kSmallModel = T3_SOURCE_DIR "/tests/data/reference/mini2.1";
constexpr const char* kRenoise = R"({"sampler": "renoise", "timesteps": [1000, 500]})";
constexpr const char* kFrom800 = R"({"sampler": "renoise", "timesteps": [800, 400], "shift": 3})";

// The small model in a folder with LoRAs and a t3.json.
class LoraFolder {
 public:
  explicit LoraFolder(const json& t3_json) {
    fs::copy(kSmallModel, Path(""), fs::copy_options::recursive);
    AddLora("few.safetensors", 0.1, kRenoise);
    AddLora("refine.safetensors", 0.2, kFrom800);
    AddLora("style.safetensors", 0.3, "");
    std::ofstream(Path("t3.json")) << t3_json;
  }
  std::string Path(const std::string& name) const { return folder_.Path(name); }
  void AddLora(const std::string& name, double value, const std::string& sampling) const {
    const int64_t dim = OpenModel({.model = kSmallModel}).dit.dim;
    AddFactors(name, at::full({2, dim}, value), at::full({dim, 2}, value), sampling);
  }
  void AddFactors(const std::string& name, const at::Tensor& down, const at::Tensor& up,
                  const std::string& sampling) const {
    Metadata metadata;
    if (!sampling.empty()) metadata[kSamplingKey] = sampling;
    SaveTensors(
        Path(name),
        {{"blocks.0.self_attn.q.lora_A.weight", down}, {"blocks.0.self_attn.q.lora_B.weight", up}},
        metadata);
  }
  ModelFiles Files() const { return {.model = Path("")}; }
  ModelInfo Open(const ModelFiles& files) const { return OpenModel(files, FolderLoras::kApplied); }
  ModelInfo Open() const { return Open(Files()); }

 private:
  test::Folder folder_;
};

// "few x 1" of each.
std::vector<std::string> NamesOf(const ModelInfo& model) {
  std::vector<std::string> names;
  for (const Lora& lora : model.loras)
    names.push_back(fmt::format("{} x {}", fs::path(lora.path).stem().string(), lora.scale));
  return names;
}

TEST(StageLoras, BothStagesHaveTheFoldersLora) {
  const LoraFolder folder(json{{"lora", "few.safetensors:0.5"}, {"steps", 20}, {"guidance", 4}});
  const ModelInfo model = folder.Open();
  EXPECT_THAT(NamesOf(model), ElementsAre("few x 0.5"));
  EXPECT_EQ(model.refiner, nullptr);
  EXPECT_EQ(model.defaults.sampling.timesteps, (std::vector<double>{1000, 500}));
  EXPECT_EQ(model.defaults.sampling.guidance, 1);
}

TEST(StageLoras, RefiningMayHaveOthers) {
  const LoraFolder folder(json{{"lora", {"few.safetensors", "style.safetensors:-1"}},
                               {"refiner_lora", "refine.safetensors"},
                               {"strength", 0.3},
                               {"draft", "32x32"},
                               {"draft_steps", 7}});
  const ModelInfo model = folder.Open();
  EXPECT_THAT(NamesOf(model), ElementsAre("few x 1", "style x -1"));
  EXPECT_EQ(model.defaults.sampling.steps, 2);
  EXPECT_FALSE(model.defaults.draft->steps);  // 7 are for the base
  EXPECT_EQ(model.defaults.strength, 0.3);
  EXPECT_THAT(NamesOf(RefinerOf(model)), ElementsAre("refine x 1"));
  EXPECT_EQ(RefinerOf(model).defaults.sampling.shift, 3);
  // 0.8 = 3 S / (1 + 2 S)
  EXPECT_NEAR(RefinerOf(model).defaults.strength, 0.5714, 0.001);
  EXPECT_GE(RefinerOf(model).defaults.strength, 0.5714);
}

TEST(StageLoras, AnEmptyListIsNone) {
  const LoraFolder folder(json{{"lora", "few.safetensors"}, {"refiner_lora", json::array()}});
  const ModelInfo model = folder.Open();
  EXPECT_THAT(NamesOf(model), ElementsAre("few x 1"));
  ASSERT_NE(model.refiner, nullptr);
  EXPECT_THAT(NamesOf(*model.refiner), IsEmpty());
  EXPECT_FALSE(model.refiner->distilled);
  EXPECT_THAT(NamesOf(LoraFolder(json{{"lora", "none"}}).Open()), IsEmpty());
}

TEST(StageLoras, WhatIsGivenCountsBefore) {
  const LoraFolder folder(json{{"lora", "few.safetensors"},
                               {"refiner_lora", "refine.safetensors"},
                               {"steps", 20},
                               {"guidance", 4}});
  ModelFiles files = folder.Files();
  files.loras = {{folder.Path("style.safetensors"), 2}};
  EXPECT_THAT(NamesOf(folder.Open(files)), ElementsAre("style x 2"));
  EXPECT_EQ(folder.Open(files).refiner, nullptr);
  EXPECT_TRUE(folder.Open(files).declines_own_loras);
  files.loras.emplace();
  EXPECT_THAT(NamesOf(folder.Open(files)), IsEmpty());
  EXPECT_EQ(folder.Open(files).refiner, nullptr);
  EXPECT_EQ(folder.Open(files).defaults.sampling.steps, 20);
  EXPECT_EQ(folder.Open(files).defaults.sampling.guidance, 4);
}

TEST(StageLoras, AddedOnesFollow) {
  const LoraFolder folder(
      json{{"lora", "few.safetensors"}, {"refiner_lora", "refine.safetensors"}});
  ModelFiles files = folder.Files();
  files.added_loras = {{folder.Path("style.safetensors"), 2}};
  const ModelInfo model = folder.Open(files);
  EXPECT_THAT(NamesOf(model), ElementsAre("few x 1", "style x 2"));
  EXPECT_THAT(NamesOf(RefinerOf(model)), ElementsAre("refine x 1", "style x 2"));
  EXPECT_EQ(model.defaults.sampling.steps, 2);  // a style says nothing of sampling
  files.loras.emplace();
  EXPECT_THAT(NamesOf(folder.Open(files)), ElementsAre("style x 2"));
}

TEST(StageLoras, OnlyTheFoldersOwnDenoiserHasThem) {
  const LoraFolder folder(json{{"lora", "few.safetensors"}});
  ModelFiles files = folder.Files();
  files.dit = kSmallModel + "/diffusion_pytorch_model.safetensors";
  EXPECT_THAT(NamesOf(folder.Open(files)), IsEmpty());
  EXPECT_THAT(NamesOf(OpenModel(folder.Files())), IsEmpty());  // as training opens it
}

TEST(StageLoras, ScalesHaveARange) {
  EXPECT_EQ(ParseLora("a:-100").scale, -100);
  EXPECT_EQ(ParseLora("a:b"), (Lora{"a:b", 1}));
  for (const char* text : {"a:1e9", "a:-101", "a:nan", "a:inf"}) {
    EXPECT_THAT([&] { ParseLora(text); },
                testing::ThrowsMessage<Error>(HasSubstr("of the LoRA a is outside -100 to 100")))
        << text;
  }
  const LoraFolder folder(json::object());
  ModelFiles files = folder.Files();
  files.loras = {{{folder.Path("few.safetensors"), 101}}};
  EXPECT_THAT([&] { folder.Open(files); },
              testing::ThrowsMessage<Error>(HasSubstr("is outside -100 to 100")));
}

TEST(ModelDefaults, UnknownFieldsAreErrors) {
  const auto opening = [](const json& t3_json) { return [=] { LoraFolder(t3_json).Open(); }; };
  const auto fails = [](const std::string& text) {
    return testing::ThrowsMessage<Error>(testing::AllOf(HasSubstr("t3.json: "), HasSubstr(text)));
  };
  EXPECT_THAT(opening({{"guidence", 3}}), fails("\"guidence\" is not a field; did you mean "
                                                "\"guidance\"?"));
  EXPECT_THAT(opening({{"draft_steps", 3}}), fails("has no effect without \"draft\""));
  EXPECT_THAT(opening({{"guidance", -5}}), fails("\"guidance\" is -5, wanted a number from 0"));
  EXPECT_THAT(opening({{"lora", "few.safetensors:1e9"}}), fails("\"lora\": the scale 1000000000"));
  EXPECT_THAT(opening({{"windows", "1,1,1"}}), fails("no effect without \"attention\""));
  // Every documented field.
  const json all{{"width", 64},
                 {"height", 64},
                 {"frames", 5},
                 {"fps", 8},
                 {"sampler", "euler"},
                 {"steps", 3},
                 {"guidance", 1},
                 {"shift", 3},
                 {"negative_prompt", ""},
                 {"draft", "32x32"},
                 {"draft_steps", 2},
                 {"strength", 0.5},
                 {"lora", "none"},
                 {"refiner_lora", "none"},
                 {"attention", "t3"},
                 {"windows", "1,1,1"},
                 {"planner", 1},
                 {"latents_mean", std::vector<double>(16, 0.5)},
                 {"latents_std", std::vector<double>(16, 2)}};
  EXPECT_NO_THROW(opening(all)());
  EXPECT_TRUE(LoraFolder(all).Open().names_size);
  EXPECT_FALSE(LoraFolder(json{{"width", 64}}).Open().names_size);
}

TEST(StageLoras, FaultsNameTheFileAndTheField) {
  const auto error_of = [](const LoraFolder& folder) {
    return ErrorOf([&] { CheckDit(folder.Open()); });
  };
  for (const char* field : {"lora", "refiner_lora"}) {
    const auto error_with = [&](const json& value) {
      return error_of(LoraFolder(json{{field, value}}));
    };
    const auto named = HasSubstr(fmt::format("t3.json: \"{}\"", field));
    const auto expect = [&](const json& value, const char* says) {
      EXPECT_THAT(error_with(value), testing::AllOf(named, HasSubstr(says))) << value;
    };
    expect("absent.safetensors", "there is no such file");
    expect("google", "which is not a file");
    expect("", "within the folder");
    expect(".", "which is not a file");
    expect(kSmallModel + "/x.safetensors", "within the folder");
    expect("../x.safetensors", "within the folder");
    expect("google/../../x.safetensors", "within the folder");
    expect(3, "wanted a file of the folder");
    expect(nullptr, "wanted a file of the folder");
    expect(json::object(), "wanted a file of the folder");
    expect({"few.safetensors", 3}, "wanted a file of the folder");
    expect("config.json", "config.json");
    expect("Wan2.1_VAE.pth", "Wan2.1_VAE.pth");
    LoraFolder other(json{{field, "other.safetensors"}});
    other.AddFactors("other.safetensors", at::ones({2, 3}), at::ones({5, 2}), "");
    EXPECT_THAT(error_of(other), testing::AllOf(named, HasSubstr("other.safetensors")));
  }
  // Fields that do not count are not looked at.
  const LoraFolder broken(json{{"lora", "absent.safetensors"}});
  ModelFiles files = broken.Files();
  files.loras.emplace();
  EXPECT_THAT(NamesOf(broken.Open(files)), IsEmpty());
  EXPECT_THAT(NamesOf(OpenModel(broken.Files())), IsEmpty());
}

}  // namespace
}  // namespace t3
