// Which outputs are refused because the training reads from them.
#include "training/input_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/testing/error_of.h"
#include "t3video/train.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class InputFilesTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directory(folder_.Path("run")); }

  // Of a training whose base has the parts `more`, into run/.
  std::string ErrorWith(const std::vector<InputFile>& inputs, const json& more = json::object()) {
    json document{{"output", folder_.Path("run")}, {"steps", 1}};
    document.update(more);
    JsonFields fields(document, folder_.Path("train.json"));
    const TrainConfig config = TakeTrainConfig(fields, document);
    return ErrorOf([&] { CheckInputsStay(config, {"lora.safetensors", "t3.json"}, inputs); });
  }

  test::Folder folder_;
};

TEST_F(InputFilesTest, AnInputThatWouldBeWrittenIsRefused) {
  const std::string lora = folder_.Add("run/lora.safetensors", "an input");
  const std::string message = ErrorWith({{"LoRA of \"teacher\"", lora}});
  EXPECT_THAT(message, HasSubstr("run/lora.safetensors, where it reads the LoRA of \"teacher\""));
  EXPECT_THAT(message, HasSubstr("set another \"output\""));
  EXPECT_EQ(ErrorWith({{"VAE", folder_.Add("run/Wan2.1_VAE.safetensors", "it stays")}}), "");
  EXPECT_EQ(ErrorWith({{"LoRA", folder_.Add("base/lora.safetensors", "elsewhere")}}), "");
  for (const char* name : {"run/checkpoints/step-4/state.safetensors", "run/best/vae.safetensors"})
    EXPECT_THAT(ErrorWith({{"VAE", folder_.Path(name)}}), HasSubstr("set another \"output\""));
  EXPECT_THAT(ErrorWith({{"VAE", folder_.Path("vae")}}, {{"profile", folder_.Path("vae")}}),
              HasSubstr("set another \"profile\""));
  EXPECT_THAT(ErrorWith({}, {{"profile", folder_.Path("train.json")}}),
              HasSubstr("where it reads the configuration"));
}

TEST_F(InputFilesTest, LinksAreFollowed) {
  const std::string lora = folder_.Add("mine.safetensors", "an input");
  fs::create_symlink(lora, folder_.Path("run/lora.safetensors"));
  fs::create_directory_symlink(folder_.Path("run"), folder_.Path("link"));
  EXPECT_THAT(ErrorWith({{"LoRA", lora}}), HasSubstr("would write"));
  fs::remove(folder_.Path("run/lora.safetensors"));
  EXPECT_EQ(ErrorWith({{"LoRA", lora}}), "");
  EXPECT_THAT(ErrorWith({{"LoRA", folder_.Path("link/lora.safetensors")}}),
              HasSubstr("would write"));
}

TEST_F(InputFilesTest, ADenoiserDoesNotLieInTheOutput) {
  const std::string path = folder_.Add("run/wan.safetensors", "a denoiser");
  EXPECT_THAT(ErrorWith({{"denoiser of \"teacher\"", path, /*is_denoiser=*/true}}),
              HasSubstr("is the folder of the denoiser of \"teacher\"; set another one"));
}

// Both a run and its plan, for the teacher's parts as for the base's.
TEST_F(InputFilesTest, EveryTaskRefusesToWriteOverItsInputs) {
  const std::string base = T3_SOURCE_DIR "/tests/data/reference/mini2.1";
  fs::copy_file(base + "/Wan2.1_VAE.pth", folder_.Path("run/curves.svg"));
  fs::copy_file(base + "/models_t5_umt5-xxl-enc-bf16.pth", folder_.Path("run/t3.json"));
  fs::copy_file(base + "/Wan2.1_VAE.pth", folder_.Path("run/decoder.safetensors"));
  const json world{{"world", {{"sizes", {{{"size", "64x32"}, {"frames", 5}, {"clips", 2}}}}}}};
  const json model{{"folder", base}};
  const auto expect_refused = [&](json document, const char* part) {
    document["output"] = folder_.Path("run");
    document["steps"] = 1, document["overwrite"] = true, document["device"] = "cpu";
    const std::string path = folder_.Add("train.json", document.dump());
    EXPECT_THAT(ErrorOf([&] { PlanTraining(path, {}, 1); }), HasSubstr(part));
    EXPECT_THAT(ErrorOf([&] { Train(path, {}, {}, nullptr, {}, {}); }), HasSubstr(part));
  };
  json changed = model;
  changed["vae"] = folder_.Path("run/curves.svg");
  expect_refused({{"model", changed}, {"data", world}}, "reads the VAE of \"model\"");
  expect_refused(
      {{"task", "distill"}, {"model", model}, {"teacher", {{"model", changed}}}, {"data", world}},
      "reads the VAE of \"teacher\"");
  changed = model;
  changed["text_encoder"] = folder_.Path("run/t3.json");
  expect_refused({{"model", changed}, {"data", world}}, "reads the text encoder of \"model\"");
  const json clip{{"size", "64x32"}, {"frames", 5}, {"clips", 2}};
  const json clips{{"world", {{"batches", json::array({clip})}, {"measured", clip}}}};
  expect_refused({{"task", "vae"},
                  {"model", {{"vae", folder_.Path("run/decoder.safetensors")}}},
                  {"data", clips}},
                 "reads the VAE of \"model\"");
}

}  // namespace
}  // namespace t3
