// t3 score as a user meets it, and the recipe of a benchmark rehearsed with the shipped model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "program.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr std::array kPrompts{
    "The city at night. A cloudy sky with the moon on the left. Between two red lanterns a yellow "
    "airship moves to the right. The camera pans left.",
    "The sea at dawn. A clear sky with the sun on the right. Between two yellow lanterns a blue "
    "balloon moves to the left. The camera is still.",
    "The desert by day. A clear sky with the sun on the left. Between two green lanterns a pink "
    "bird stays still. The camera zooms in.",
    "The mountains at sunset. A cloudy sky with the sun on the right. Between two blue lanterns a "
    "red balloon moves to the right. The camera pans right."};

class ScoreCli : public ::testing::Test {
 protected:
  // Small clips of three different scenes; the world's captions are their prompts.
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    const ProgramResult result =
        RunT3({"world", "--count", "3", "--size", "256x144", "--frames", "5", "--format", "y4m",
               "--device", "cpu", "--output", *folder_ / "clips"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    json prompts = json::array();
    for (const json& clip : json::parse(ReadBytes(*folder_ / "clips/captions.json")))
      prompts.push_back({{"prompt", clip["caption"]}, {"file", clip["file"]}});
    std::ofstream(*folder_ / "prompts.json") << prompts;
  }
  static void TearDownTestSuite() { delete folder_; }

  static std::string In(const std::string& name) { return *folder_ / name; }
  static ProgramResult Score(std::vector<std::string> more) {
    more.insert(more.begin(), {"score", "--device", "cpu"});
    return RunT3(more);
  }

  static TemporaryFolder* folder_;
};
TemporaryFolder* ScoreCli::folder_ = nullptr;

TEST_F(ScoreCli, LongNamesKeepTheirEnds) {
  const TemporaryFolder folder;
  std::vector<std::string> clips{"score", "--metrics", "laplacian_var", "--device", "cpu"};
  int seed = 0;
  for (const auto& clip : fs::directory_iterator(In("clips"))) {
    if (clip.path().extension() != ".y4m") continue;
    clips.push_back(folder /
                    ("004-the-city-at-night-train-seed" + std::to_string(++seed) + ".y4m"));
    fs::copy(clip.path(), clips.back());
  }
  const ProgramResult result = RunT3(clips);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, testing::ContainsRegex("004-the-\\.\\.\\.t-train-seed[1-3]"));
}

TEST_F(ScoreCli, ReportsASet) {
  const TemporaryFolder out;
  const std::vector<std::string> flags{In("clips"),    "--prompts", In("prompts.json"), "--json",
                                       out / "s.json", "--html",    out / "s.html"};
  const ProgramResult result = Score(flags);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("world_attributes"));
  EXPECT_THAT(result.err, HasSubstr("scoring"));
  const json record = json::parse(ReadBytes(out / "s.json"));
  EXPECT_EQ(record["format"], "t3video scores");
  ASSERT_EQ(record["clips"].size(), 3U);
  EXPECT_EQ(record["clips"][0]["size"], "256x144");
  EXPECT_GE(record["metrics"]["world_attributes"]["mean"], 0.9);  // true renders
  EXPECT_EQ(record["metrics"]["blur"]["worst"].size(), 3U);
  EXPECT_THAT(record["notes"].dump(), HasSubstr("niqe is left out"));
  const std::string page = ReadBytes(out / "s.html");
  EXPECT_THAT(page, HasSubstr("data:image/png;base64,"));
  EXPECT_THAT(page, HasSubstr("motion_smoothness"));
  EXPECT_THAT(page, Not(HasSubstr("http")));  // self-contained
  // Again: everything is kept, and the files are replaced.
  const ProgramResult again = Score(flags);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(json::parse(ReadBytes(out / "s.json")), record);
  EXPECT_TRUE(fs::exists(out / "s.json.state"));
}

TEST_F(ScoreCli, ComparesTwoSets) {
  const TemporaryFolder out;
  fs::create_directory(out / "b");
  for (const char* name : {"world_00000000.y4m", "world_00000001.y4m"})
    fs::copy_file(In("clips/") + name, out / "b/" + std::string(name));
  for (const auto& [clips, file] :
       {std::pair{In("clips"), out / "a.json"}, std::pair{out / "b", out / "b.json"}}) {
    const ProgramResult result =
        Score({clips, "--metrics", "blur,psnr_y", "--reference", In("clips"), "--json", file});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  EXPECT_EQ(json::parse(ReadBytes(out / "b.json"))["metrics"]["psnr_y"]["mean"], 100);
  const ProgramResult compared =
      Score({"--compare", out / "a.json", out / "b.json", "--json", out / "c.json"});
  EXPECT_EQ(compared.exit_code, 1);  // a clip without a partner
  EXPECT_THAT(compared.out, HasSubstr("only in A: world_00000002"));
  const json comparison = json::parse(ReadBytes(out / "c.json"));
  EXPECT_EQ(comparison["only_a"][0], "world_00000002");
  EXPECT_EQ(comparison["measures"][0]["gain"], 0);
  EXPECT_EQ(comparison["measures"][0]["clips"], 2);
}

TEST_F(ScoreCli, WrongUseIsNamed) {
  const TemporaryFolder out;
  const auto error = [&](int code, std::vector<std::string> flags) {
    const ProgramResult result = Score(std::move(flags));
    EXPECT_EQ(result.exit_code, code) << result.err;
    return result.err;
  };
  std::ofstream(out / "other.json") << "{}";
  std::ofstream(out / "broken.mp4") << "no video";
  EXPECT_THAT(error(2, {}), HasSubstr("there is no video to score"));
  EXPECT_THAT(error(1, {"/no/such/clip.mp4"}), HasSubstr("/no/such/clip.mp4"));
  EXPECT_THAT(error(1, {In("clips"), "--json", out / "other.json"}), HasSubstr("did not write it"));
  EXPECT_THAT(error(2, {In("clips"), "--json", out / "x.txt"}), HasSubstr(".json"));
  EXPECT_THAT(error(2, {In("clips"), "--metrics", "blurr"}), HasSubstr("did you mean blur?"));
  EXPECT_THAT(error(2, {In("clips"), "--weights", "brisque"}), HasSubstr("wanted NAME=FILE"));
  EXPECT_THAT(error(1, {out.path(), "--metrics", "blur"}), HasSubstr("broken: "));
  EXPECT_THAT(error(1, {In("clips"), "--metrics", "vmaf", "--reference", In("clips"),
                        "--vmaf-binary", "true"}),
              HasSubstr("name one with --vmaf-binary"));
  EXPECT_THAT(error(1, {"--compare", out / "other.json", out / "other.json"}),
              HasSubstr("not a record of"));
}

TEST_F(ScoreCli, ListsTheMetrics) {
  const ProgramResult result = Score({"--list"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("hd_mse_4"));
  EXPECT_THAT(result.out, HasSubstr("ITU-T P.910"));
  // The reference defines each.
  const std::string page = ReadBytes(T3_SOURCE_DIR "/docs/reference/metrics.md");
  std::istringstream lines(result.out);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line))
    EXPECT_THAT(page, HasSubstr("`" + line.substr(0, line.find(' ')) + "`"));
}

// VMAF of a program that answers as ffmpeg does.
TEST_F(ScoreCli, VmafRunsTheNamedProgram) {
  const TemporaryFolder out;
  std::ofstream(out / "ffmpeg") << "#!/bin/sh\n"
                                   "case \"$*\" in\n"
                                   "  *-filters*) echo ' .. libvmaf VV->V' ;;\n"
                                   "  *vmaf_v0.6.1*) echo '{\"pooled_metrics\": {\"vmaf\": "
                                   "{\"mean\": 91.25}}}' >vmaf.json ;;\n"
                                   "esac\n";
  fs::permissions(out / "ffmpeg", fs::perms::owner_all);
  const ProgramResult result =
      Score({In("clips/world_00000000.y4m"), "--reference", In("clips/world_00000001.y4m"),
             "--metrics", "vmaf", "--vmaf-binary", out / "ffmpeg", "--json", out / "v.json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(json::parse(ReadBytes(out / "v.json"))["clips"][0]["values"]["vmaf"], 91.25);
}

// scripts/4k_vbench.sh from prompts to a page in which the truth stands beside the metrics. Few
// steps of the base: clips of which some are wrong, else nothing correlates.
TEST_F(ScoreCli, ABenchmarkIsRehearsed) {
  const TemporaryFolder out;
  json prompts = json::array();
  for (const char* prompt : kPrompts) prompts.push_back({{"prompt_en", prompt}});
  std::ofstream(out / "prompts.json") << prompts;
  const std::string command =
      "T3=" T3_PROGRAM " GPUS=1 " T3_SOURCE_DIR "/scripts/4k_vbench.sh demo " +
      (out / "prompts.json") + " " + (out / "job") +
      " --size 256x144 --frames 5 --steps 4 --lora none --device cpu >" + (out / "log") + " 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0) << ReadBytes(out / "log");
  EXPECT_THAT(ReadBytes(out / "log"), HasSubstr("cost: 4 clips, "));
  const json record = json::parse(ReadBytes(out / "job/scores.json"));
  ASSERT_EQ(record["clips"].size(), kPrompts.size());
  EXPECT_EQ(record["clips"][1]["prompt"], kPrompts[1]);
  EXPECT_TRUE(record["clips"][0]["values"].contains("world_attributes"));
  EXPECT_GT(record["metrics"]["world_attributes"]["mean"], 0.3);
  EXPECT_TRUE(record["metrics"]["blur"].contains("truth_correlation"));
  EXPECT_THAT(ReadBytes(out / "job/scores.html"), HasSubstr("<th>truth</th>"));
  // Again: no clip is generated or scored twice.
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_THAT(ReadBytes(out / "log"), HasSubstr("already finished"));
}

}  // namespace
}  // namespace t3
