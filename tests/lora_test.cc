// LoRAs that a model's folder names: the same bits as when they are given, in every command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "program.h"
#include "small_lora.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Arguments = std::vector<std::string>;

// The small model with two LoRAs, which its t3.json names or not.
class LoraModel {
 public:
  LoraModel() {
    fs::copy(ReferencePath("mini2.1"), folder_ / "model", fs::copy_options::recursive);
    WriteLora(folder_ / "model/few.safetensors", 0.5F, kFewSteps);
    WriteLora(folder_ / "model/refine.safetensors", -0.7F, kRefinerSteps);
    WriteLora(folder_ / "style.safetensors", 0.9F, "");
    fs::create_directory(folder_ / "base");
    for (const auto& entry : fs::directory_iterator(folder_ / "model"))
      fs::create_symlink(entry.path(), folder_ / ("base/" + entry.path().filename().string()));
    Write("model", {{"lora", "few.safetensors"}, {"refiner_lora", "refine.safetensors"}});
    Write("base", {});
  }
  // t3.json of a folder, with the base's defaults.
  void Write(const std::string& name, json fields) const {
    fields.update({{"width", 32}, {"height", 32}, {"frames", 5}, {"steps", 3}, {"guidance", 2}});
    std::ofstream(folder_ / (name + "/t3.json")) << fields;
  }
  std::string operator/(const std::string& name) const { return folder_ / name; }
  std::string Lora(const std::string& name) const {
    return folder_ / ("model/" + name + ".safetensors");
  }

  // Runs t3 generate of a folder; the bytes of the video.
  std::string Generate(const std::string& model, const std::string& output, const Arguments& more,
                       ProgramResult* result = nullptr) const {
    const ProgramResult run =
        RunT3(With({"generate", "--model", folder_ / model, "--prompt", "A dog", "--seed", "5",
                    "--device", "cpu", "--output", folder_ / output},
                   more));
    EXPECT_EQ(run.exit_code, 0) << run.err;
    if (result != nullptr) *result = run;
    return ReadBytes(folder_ / output);
  }
  // Likewise; the video's pixels, without its metadata.
  std::string Pixels(const std::string& model, const std::string& name, const Arguments& more,
                     ProgramResult* result = nullptr) const {
    return PixelsOf(Generate(model, name + ".y4m", more, result));
  }
  static std::string PixelsOf(const std::string& y4m) {
    const size_t end = y4m.find("FRAME XT3COMMENT");
    EXPECT_NE(y4m, "");
    return y4m.substr(0, end);
  }

 private:
  TemporaryFolder folder_;
};

const Arguments kDrafted{"--size", "64x64", "--draft", "32x32"};

TEST(FolderLora, HasTheBitsOfTheSameLoraGiven) {
  const LoraModel model;
  for (const char* dtype : {"fp32", "bf16"}) {
    const Arguments type{"--dtype", dtype};
    ProgramResult own;
    const std::string pixels = model.Pixels("model", std::string("own-") + dtype, type, &own);
    EXPECT_EQ(pixels, model.Pixels("base", std::string("given-") + dtype,
                                   With(type, {"--lora", model.Lora("few")})));
    EXPECT_NE(pixels, model.Pixels("base", std::string("base-") + dtype, type));
    EXPECT_THAT(own.err, AllOf(HasSubstr("the LoRA few.safetensors is the model's own"),
                               HasSubstr("--lora none leaves it out"), HasSubstr("t3.json"),
                               HasSubstr("2 steps of renoise at timesteps 1000, 500, guidance 1"),
                               HasSubstr("+ few.safetensors x 1")));
  }
}

TEST(FolderLora, NoneIsTheBase) {
  const LoraModel model;
  const std::string base = model.Pixels("base", "base", {});
  ProgramResult none;
  EXPECT_EQ(base, model.Pixels("model", "none", {"--lora", "none"}, &none));
  EXPECT_THAT(none.err,
              AllOf(HasSubstr("3 steps of unipc, guidance 2"), Not(HasSubstr("few.safetensors"))));
  for (const json& value : {json("none"), json::array(), json::array({"none"})}) {
    std::ofstream(model / "config.json") << json{{"lora", value}};
    EXPECT_EQ(base,
              model.Pixels("model", "config", {"--config", model / "config.json", "--overwrite"}));
  }
  EXPECT_EQ(base, model.Pixels("model", "elsewhere",
                               {"--dit", model / "base/diffusion_pytorch_model.safetensors"}));
  const ProgramResult both =
      RunT3({"generate", "--model", model / "model", "--prompt", "x", "--lora", "none", "--lora",
             model.Lora("few"), "--output", model / "x.y4m"});
  EXPECT_EQ(both.exit_code, 2);
  EXPECT_THAT(both.err, HasSubstr("--lora none leaves all LoRAs out"));
}

TEST(FolderLora, AGivenOneReplacesAndAnAddedOneFollows) {
  const LoraModel model;
  const std::string style = model / "style.safetensors:0.5";
  EXPECT_EQ(model.Pixels("model", "a", {"--lora", style}),
            model.Pixels("base", "b", {"--lora", style}));
  EXPECT_EQ(model.Pixels("model", "c", {"--add-lora", style}),
            model.Pixels("base", "d", {"--lora", model.Lora("few"), "--lora", style}));
  EXPECT_EQ(model.Pixels("model", "e", {"--lora", "none", "--add-lora", style}),
            model.Pixels("base", "f", {"--lora", style}));
}

// The record names every setting, and the video has no paths: both repeat the run.
TEST(FolderLora, RepeatedRunsHaveTheSameBits) {
  const LoraModel model;
  const std::string style = model / "style.safetensors:0.5";
  fs::copy(model / "style.safetensors", model / "model/copy.safetensors");
  int number = 0;
  for (const Arguments& more :
       {Arguments{}, Arguments{"--lora", "none"}, Arguments{"--add-lora", style}, kDrafted,
        With(kDrafted, {"--lora", "none"}), With(kDrafted, {"--sampler", "euler"}),
        With(kDrafted, {"--draft-sampling", R"({"steps": 3, "shift": 2})"})}) {
    const std::string name = std::to_string(++number);
    const std::string first =
        model.Generate("model", name + ".mkv", With(more, {"--record", model / (name + ".json")}));
    const ProgramResult recorded = RunT3({"generate", "--from", model / (name + ".json"),
                                          "--output", model / (name + "-record.mkv")});
    ASSERT_EQ(recorded.exit_code, 0) << recorded.err;
    EXPECT_THAT(recorded.err, HasSubstr("the same bytes as the recorded one")) << recorded.err;
    EXPECT_EQ(first, ReadBytes(model / (name + "-record.mkv"))) << name;
    const ProgramResult again =
        RunT3({"generate", "--from", model / (name + ".mkv"), "--model", model / "model",
               "--device", "cpu", "--output", model / (name + "-again.mkv")},
              {.folder = model / ""});
    ASSERT_EQ(again.exit_code, 0) << again.err;
    EXPECT_EQ(first, ReadBytes(model / (name + "-again.mkv"))) << name;
  }
}

TEST(FolderLora, EachStageHasItsOwn) {
  const LoraModel model;
  ProgramResult result;
  const std::string video = model.Pixels(
      "model", "x",
      With(kDrafted, {"--keep-draft", model / "draft.y4m", "--record", model / "x.json"}), &result);
  // The list's first level is 0.8 = 3 S / (1 + 2 S).
  EXPECT_THAT(
      result.err,
      AllOf(HasSubstr("2 of 2 steps (strength 0.572) of euler at timesteps 800, 400"),
            HasSubstr("2 steps of diffusion_pytorch_model.safetensors + few.safetensors x 1"),
            HasSubstr("+ refine.safetensors x 1"),
            HasSubstr("draft: the LoRA few.safetensors is the model's own")));
  const std::string draft = LoraModel::PixelsOf(ReadBytes(model / "draft.y4m"));
  EXPECT_EQ(draft, model.Pixels("base", "alone", {"--lora", model.Lora("few")}));
  const json record = json::parse(ReadBytes(model / "x.json"));
  EXPECT_EQ(record["weights"]["loras"].size(), 1u);
  EXPECT_THAT(record["weights"]["refiner_loras"][0]["file"].get<std::string>(),
              HasSubstr("refine.safetensors"));
  EXPECT_NE(record["inputs"]["loras"], record["inputs"]["draft loras"]);
  EXPECT_FALSE(record["settings"].contains("lora"));

  // Of a source video, the refiner's.
  EXPECT_EQ(model.Pixels("model", "own", {"--video", model / "draft.y4m", "--size", "64x64"}),
            model.Pixels("base", "given",
                         {"--video", model / "draft.y4m", "--size", "64x64", "--lora",
                          model.Lora("refine")}));
  // At strength 1, plain generation.
  EXPECT_EQ(model.Pixels("model", "whole", {"--video", model / "draft.y4m", "--strength", "1"}),
            draft);
  // Where t3.json names one for both, a given one is the same.
  model.Write("model", {{"lora", "few.safetensors"}});
  EXPECT_EQ(model.Pixels("model", "both", With(kDrafted, {"--strength", "0.9"})),
            model.Pixels("base", "same",
                         With(kDrafted, {"--strength", "0.9", "--lora", model.Lora("few")})));
  EXPECT_NE(video, model.Pixels("model", "other", kDrafted));
}

// A denoiser of its own for the draft is not what the LoRAs were trained on.
TEST(FolderLora, ADraftsOwnDenoiserHasNone) {
  const LoraModel model;
  fs::copy(ReferencePath("mini2.1") + "/diffusion_pytorch_model.safetensors",
           model / "wan2.1_t2v.safetensors");
  ProgramResult result;
  model.Pixels("model", "x",
               With(kDrafted, {"--draft-dit", model / "wan2.1_t2v.safetensors", "--keep-draft",
                               model / "draft.y4m"}),
               &result);
  EXPECT_THAT(result.err, HasSubstr("+ refine.safetensors x 1"));
  EXPECT_EQ(LoraModel::PixelsOf(ReadBytes(model / "draft.y4m")), model.Pixels("base", "alone", {}));
}

TEST(FolderLora, KilledRunsContinueToTheSameBits) {
  const LoraModel model;
  const auto start = std::chrono::steady_clock::now();
  const std::string whole = model.Generate("model", "whole.y4m", kDrafted);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  int resumed = 0;
  for (int part = 4; part < 10; ++part) {
    const std::string output = model / (std::to_string(part) + ".y4m");
    const ProgramResult killed =
        RunT3(With({"generate", "--model", model / "model", "--prompt", "A dog", "--seed", "5",
                    "--device", "cpu", "--output", output, "--checkpoint-every", "1"},
                   kDrafted),
              {.seconds_to_kill = seconds.count() * part / 10});
    if (killed.exit_code == 0 || !(fs::exists(output + ".checkpoint.safetensors") ||
                                   fs::exists(output + ".latents.safetensors")))
      continue;
    const ProgramResult result = RunT3({"resume", output});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(ReadBytes(output), whole);
    ++resumed;
  }
  EXPECT_GT(resumed, 0);
}

// A state is continued only with the same LoRAs, by content.
TEST(FolderLora, AnotherFileIsAnotherRun) {
  const LoraModel model;
  model.Generate("model", "x.y4m", {"--record", model / "x.json"});
  WriteLora(model.Lora("few"), 0.6F, kFewSteps);
  const ProgramResult again =
      RunT3({"generate", "--from", model / "x.json", "--output", model / "again.y4m"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("loras ("));
}

TEST(FolderLora, OtherCommandsHaveThemToo) {
  const LoraModel model;
  const ProgramResult plan =
      RunT3({"plan", "--model", model / "model", "--device", "cpu", "--json"});
  ASSERT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_EQ(json::parse(plan.out)["steps"], 2);
  const ProgramResult base =
      RunT3({"plan", "--model", model / "model", "--lora", "none", "--device", "cpu", "--json"});
  ASSERT_EQ(base.exit_code, 0) << base.err;
  EXPECT_EQ(json::parse(base.out)["steps"], 3);
  const ProgramResult drafted =
      RunT3(With({"plan", "--model", model / "model", "--device", "cpu", "--json"}, kDrafted));
  ASSERT_EQ(drafted.exit_code, 0) << drafted.err;
  EXPECT_EQ(json::parse(drafted.out)["strength"], 0.572);
  EXPECT_EQ(json::parse(drafted.out)["draft"]["steps"], 2);

  const ProgramResult inspected = RunT3({"inspect", model / "model"});
  ASSERT_EQ(inspected.exit_code, 0) << inspected.err;
  EXPECT_THAT(inspected.out, AllOf(HasSubstr("few.safetensors"), HasSubstr("the model's own, x 1"),
                                   HasSubstr("refine.safetensors"),
                                   HasSubstr("the model's own for refining, x 1")));

  std::ofstream(model / "prompts.txt") << "A dog\nA cat\n";
  const ProgramResult job =
      RunT3({"generate", "--model", model / "model", "--prompt-file", model / "prompts.txt",
             "--seed", "5", "--device", "cpu", "--output", model / "job/"});
  ASSERT_EQ(job.exit_code, 0) << job.err;
  const json record = json::parse(ReadBytes(model / "job/001-a-dog.mp4.json"));
  EXPECT_EQ(record["weights"]["loras"].size(), 1u);
  EXPECT_EQ(record["settings"]["steps"], 2);
}

TEST(FolderLora, AFaultOfItEndsTheRunBeforeWork) {
  const LoraModel model;
  model.Write("model", {{"lora", "absent.safetensors"}});
  for (const char* command : {"generate", "plan", "inspect"}) {
    Arguments run{command};
    if (run[0] != "inspect") run.push_back("--model");
    run.push_back(model / "model");
    if (run[0] == "generate") run = With(run, {"--prompt", "x", "--output", model / "x.mp4"});
    const ProgramResult result = RunT3(run);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_THAT(result.out + result.err,
                AllOf(HasSubstr("t3.json: \"lora\" names"), HasSubstr("there is no such file")));
  }
}

}  // namespace
}  // namespace t3
