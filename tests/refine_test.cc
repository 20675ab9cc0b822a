// Videos that start from a clip: source videos, drafts, long clips, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "program.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using Arguments = std::vector<std::string>;

// A clip of `frames` frames, 32x32, made by the small model and cut where it is longer.
std::string Source(const TemporaryFolder& folder, int frames) {
  const int generated = (frames + 2) / 4 * 4 + 1;
  const std::string latents = folder / "source.safetensors", clip = folder / "source.y4m";
  EXPECT_EQ(RunT3(Small({"--prompt", "A cat", "--frames", std::to_string(generated), "--seed", "7",
                         "--output", latents}))
                .exit_code,
            0);
  EXPECT_EQ(RunT3({"decode", latents, "--model", ReferencePath("mini2.1"), "--device", "cpu",
                   "--last-frame", std::to_string(frames), "--output", clip})
                .exit_code,
            0);
  return clip;
}

// The frames of a Y4M file: what follows each FRAME line.
std::vector<std::string> Frames(const std::string& path) {
  const std::string bytes = ReadBytes(path);
  constexpr size_t kBytes = 32 * 32 * 3 / 2;
  std::vector<std::string> frames;
  for (size_t at = bytes.find('\n') + 1; bytes.substr(at, 5) == "FRAME";) {
    at = bytes.find('\n', at) + 1;
    if (at + kBytes > bytes.size()) break;  // the settings, after the last frame
    frames.push_back(bytes.substr(at, kBytes));
    at += kBytes;
  }
  return frames;
}

TEST(Refine, StrengthOneIsPlainGeneration) {
  const TemporaryFolder folder;
  const std::string source = Source(folder, 5);
  const Arguments run = {"--prompt", "A dog", "--frames", "5", "--save-latents"};
  const ProgramResult plain =
      RunT3(Small(With(run, {folder / "plain.safetensors", "--output", folder / "plain.y4m"})));
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  const ProgramResult whole =
      RunT3(Small(With(run, {folder / "whole.safetensors", "--output", folder / "whole.y4m",
                             "--video", source, "--strength", "1"})));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_THAT(whole.err, HasSubstr("nothing of the clip"));
  EXPECT_EQ(Frames(folder / "plain.y4m"), Frames(folder / "whole.y4m"));
}

TEST(Refine, StrengthZeroDoesNotDependOnPromptSeedOrSteps) {
  const TemporaryFolder folder;
  const std::string source = Source(folder, 5);
  const auto run = [&](const std::string& output, const Arguments& more) {
    const ProgramResult result = RunT3(Small(
        With({"--video", source, "--strength", "0", "--frames", "5", "--output", folder / output},
             more)));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err.find("denoising"), std::string::npos) << result.err;
    return Frames(folder / output);
  };
  const auto frames = run("a.y4m", {"--prompt", "A dog"});
  EXPECT_EQ(frames.size(), 5u);
  EXPECT_EQ(frames, run("b.y4m", {"--prompt", "A cat", "--seed", "9", "--steps", "4"}));
  EXPECT_EQ(frames, run("c.y4m", {}));  // no text is encoded
}

TEST(Refine, EveryFrameOfASourceOfAnyLengthComesBack) {
  const TemporaryFolder folder;
  // The small model's own length is 81 frames; a model folder with another one shows segments.
  fs::copy(ReferencePath("mini2.1"), folder / "model", fs::copy_options::recursive);
  std::ofstream(folder / "model/t3.json")
      << R"({"width":32,"height":32,"frames":17,"fps":16,"steps":2,"guidance":1,"shift":5})";
  const std::string source = Source(folder, 43);
  const Arguments run = {
      "generate", "--model",  folder / "model", "--prompt",          "A dog", "--device",
      "cpu",      "--size",   "32x32",          "--video",           source,  "--strength",
      "0.5",      "--output", folder / "x.y4m", "--negative-prompt", ""};
  const ProgramResult result = RunT3(run);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("segments"));
  EXPECT_EQ(Frames(folder / "x.y4m").size(), 43u);

  const ProgramResult fewer = RunT3(With(run, {"--frames", "6", "--overwrite"}));
  ASSERT_EQ(fewer.exit_code, 0) << fewer.err;
  EXPECT_EQ(Frames(folder / "x.y4m").size(), 6u);
}

Arguments Drafted(const std::string& output, const Arguments& more) {
  return Small(With({"--prompt", "A dog", "--size", "64x64", "--frames", "5", "--draft", "32x32",
                     "--draft-steps", "3", "--steps", "4", "--strength", "0.5", "--output", output},
                    more));
}

TEST(Refine, ADraftIsTheClipThatItsOwnSettingsMake) {
  const TemporaryFolder folder;
  const ProgramResult result = RunT3(Drafted(
      folder / "x.y4m", {"--keep-draft", folder / "draft.y4m", "--record", folder / "x.json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("2 of 4 steps (strength 0.5)"));
  const ProgramResult alone = RunT3(Small({"--prompt", "A dog", "--size", "32x32", "--frames", "5",
                                           "--steps", "3", "--output", folder / "alone.y4m"}));
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  EXPECT_EQ(Frames(folder / "draft.y4m"), Frames(folder / "alone.y4m"));

  const json record = json::parse(ReadBytes(folder / "x.json")), &settings = record["settings"];
  std::vector<std::string> stages;
  double seconds = 0;
  for (const json& stage : record["stages"]) {
    stages.push_back(stage["name"]);
    EXPECT_GT(stage["seconds"], 0) << stage;
    seconds += stage["seconds"].get<double>();
  }
  EXPECT_THAT(stages, testing::ElementsAre("encoding text", "denoising draft", "decoding draft",
                                           "reading and resizing", "encoding draft", "denoising",
                                           "matching colors", "decoding"));
  EXPECT_LE(seconds, record["seconds"].get<double>());  // nothing counts twice
  EXPECT_EQ(settings["draft"], "32x32");
  EXPECT_EQ(settings["strength"], 0.5);
  const ProgramResult again = RunT3({"generate", "--from", folder / "x.json", "--output",
                                     folder / "again.y4m", "--keep-draft", folder / "draft2.y4m"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(ReadBytes(folder / "x.y4m"), ReadBytes(folder / "again.y4m"));
}

TEST(Refine, AJobKeepsADraftOfEachVideo) {
  const TemporaryFolder folder;
  std::ofstream(folder / "p.txt") << "A dog\nA cat\n";
  const ProgramResult result =
      RunT3(Small({"--prompt-file", folder / "p.txt", "--size", "64x64", "--frames", "5", "--draft",
                   "32x32", "--draft-steps", "2", "--steps", "2", "--strength", "0.5", "--output",
                   folder / "videos/", "--keep-draft", folder / "drafts/"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::set<std::string> drafts;
  for (const auto& entry : fs::directory_iterator(folder / "drafts")) {
    drafts.insert(entry.path().filename().string());
  }
  EXPECT_THAT(drafts, testing::ElementsAre("001-a-dog-draft.mp4", "002-a-cat-draft.mp4"));
}

TEST(Refine, KillsInDraftAndVideoChangeNothing) {
  const TemporaryFolder whole;
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(RunT3(Drafted(whole / "x.y4m", {})).exit_code, 0);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const std::string video = ReadBytes(whole / "x.y4m");
  std::mt19937 random(20261129);
  std::uniform_real_distribution<double> moment(0.01, seconds.count());
  int kills = 0;
  for (int clip = 0; clip < 30 && kills < 10; ++clip) {
    const TemporaryFolder folder;
    const std::string output = folder / "x.y4m";
    for (bool finished = false; !finished;) {
      const bool resume = fs::exists(output + ".checkpoint.safetensors") ||
                          fs::exists(output + ".latents.safetensors");
      if (!resume && fs::exists(output)) break;
      const ProgramResult result =
          RunT3(resume ? Arguments{"resume", output} : Drafted(output, {"--checkpoint-every", "1"}),
                {.seconds_to_kill = kills < 10 ? moment(random) : 0});
      finished = result.exit_code == 0;
      kills += finished ? 0 : 1;
    }
    ASSERT_EQ(ReadBytes(output), video) << "after " << kills << " kills";
  }
  EXPECT_EQ(kills, 10);
}

// Distilled weights have guidance 1 and need no negative prompt; the draft's may.
TEST(Refine, ADistilledVideoMayHaveAGuidedDraft) {
  const TemporaryFolder folder;
  const std::string dit = ReferencePath("mini2.1") + "/diffusion_pytorch_model.safetensors";
  fs::copy(dit, folder / "wan_rcm_1.safetensors");  // recognised by its name
  const ProgramResult result = RunT3({"generate",
                                      "--model",
                                      ReferencePath("mini2.1"),
                                      "--dit",
                                      folder / "wan_rcm_1.safetensors",
                                      "--draft-dit",
                                      dit,
                                      "--draft",
                                      "32x32",
                                      "--draft-steps",
                                      "2",
                                      "--size",
                                      "64x64",
                                      "--frames",
                                      "5",
                                      "--strength",
                                      "0.5",
                                      "--device",
                                      "cpu",
                                      "--prompt",
                                      "A dog",
                                      "--output",
                                      folder / "x.y4m",
                                      "--keep-draft",
                                      folder / "draft.y4m"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("rCM"));
  const ProgramResult alone = RunT3({"generate", "--model", ReferencePath("mini2.1"), "--size",
                                     "32x32", "--frames", "5", "--steps", "2", "--device", "cpu",
                                     "--prompt", "A dog", "--output", folder / "alone.y4m"});
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  EXPECT_EQ(Frames(folder / "draft.y4m"), Frames(folder / "alone.y4m"));
}

TEST(Refine, WhatCannotBeMetIsRefusedBeforeWork) {
  const TemporaryFolder folder;
  const std::string source = Source(folder, 5);
  std::ofstream(folder / "text.mp4") << "this is not a video";
  fs::copy(source, folder / "cut.y4m");
  fs::resize_file(folder / "cut.y4m", fs::file_size(source) / 2);
  struct Case {
    Arguments more;
    const char* says;
  };
  const std::vector<Case> cases = {
      {{"--video", source, "--strength", "1.5"}, "--strength 1.5 is outside 0 to 1"},
      {{"--video", source, "--strength", "-0.1"}, "is outside 0 to 1"},
      {{"--video", source, "--strength", "nan"}, "--strength"},
      {{"--video", source, "--frames", "9"}, "--frames 9 is outside 1 to 5"},
      {{"--video", source, "--draft", "32x32"}, "--draft has no effect with --video"},
      {{"--video", folder / "none.mp4"}, "no such file"},
      {{"--video", folder / "text.mp4"}, "text.mp4"},
      {{"--video", folder / "cut.y4m"}, "cut.y4m"},
      {{"--draft", "64x64"}, "larger than the video of 32x32"},
      {{"--size", "64x64", "--draft", "32x32", "--keep-draft", folder / "d.safetensors"},
       "d.safetensors"},
      {{"--draft", "big"}, "--draft 'big' is not a size"},
      {{"--video", source, "--match-colors", "maybe"}, "neither on nor off"},
  };
  for (const Case& one : cases) {
    const ProgramResult result =
        RunT3(Small(With({"--prompt", "A dog", "--output", folder / "x.y4m"}, one.more)));
    EXPECT_THAT(result.exit_code, testing::AnyOf(1, 2)) << one.says;
    EXPECT_THAT(result.err, HasSubstr(one.says));
    EXPECT_EQ(result.err.find("denoising"), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(folder / "x.y4m"));
  }
}

}  // namespace
}  // namespace t3
