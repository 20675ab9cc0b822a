// Jobs, records, settings from files, progress, previews, and what is said before and about a run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "program.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Arguments = std::vector<std::string>;

std::vector<json> JsonLines(const std::string& text) {
  std::vector<json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

TEST(Runs, PromptFileIsAJobThatGoesOn) {
  const TemporaryFolder folder;
  std::ofstream(folder / "prompts.txt") << "# two\nA cat\nA dog\n";
  const std::string out = folder / "out/";
  const Arguments run =
      Small({"--prompt-file", folder / "prompts.txt", "--seeds", "0,5", "--output", out});
  const ProgramResult first = RunT3(run);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(
      NamesIn(out),
      ElementsAre("002-a-cat-seed0.mp4", "002-a-cat-seed0.mp4.json", "002-a-cat-seed5.mp4",
                  "002-a-cat-seed5.mp4.json", "003-a-dog-seed0.mp4", "003-a-dog-seed0.mp4.json",
                  "003-a-dog-seed5.mp4", "003-a-dog-seed5.mp4.json", "job.json"));
  // Each network was loaded once.
  EXPECT_EQ(first.err.find("loading denoiser  0.0"), first.err.rfind("loading denoiser  0.0"));
  EXPECT_EQ(first.err.find("loading VAE  0.0"), first.err.rfind("loading VAE  0.0"));
  EXPECT_NE(ReadBytes(out + "002-a-cat-seed0.mp4"), ReadBytes(out + "002-a-cat-seed5.mp4"));

  const auto before = fs::last_write_time(out + "002-a-cat-seed0.mp4");
  const std::string gone = ReadBytes(out + "003-a-dog-seed5.mp4");
  fs::remove(out + "003-a-dog-seed5.mp4");
  fs::remove(folder / "prompts.txt");
  const ProgramResult again = RunT3({"resume", out});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("002-a-cat-seed0.mp4  32x32, 1 frame, already finished"));
  EXPECT_EQ(fs::last_write_time(out + "002-a-cat-seed0.mp4"), before);
  EXPECT_EQ(ReadBytes(out + "003-a-dog-seed5.mp4"), gone);
}

TEST(Runs, RecordRepeatsTheRunToTheSameFile) {
  const TemporaryFolder folder;
  const ProgramResult first =
      RunT3(Small({"--prompt", "A cat", "--seed", "3", "--frames", "5", "--deterministic",
                   "--record", folder / "a.json", "--output", folder / "a.mp4"}));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const json record = json::parse(ReadBytes(folder / "a.json"));
  EXPECT_EQ(record["settings"]["seed"], 3);
  EXPECT_EQ(record["settings"]["shift"], 5.0);  // the model's own
  EXPECT_EQ(record["weights"]["dit"]["digest"], record["inputs"]["dit"]);
  EXPECT_EQ(record["output"]["bytes"], fs::file_size(folder / "a.mp4"));
  EXPECT_EQ(record["stages"].size(), 3u);
  EXPECT_GT(record["stages"][1]["host_peak_bytes"], 50'000'000);
  double seconds = 0;
  for (const json& step : record["stages"][1]["step_seconds"]) seconds += step.get<double>();
  EXPECT_GT(seconds, 0);
  EXPECT_LE(seconds, record["stages"][1]["seconds"].get<double>());
  EXPECT_TRUE(record["t3"].contains("commit"));

  const ProgramResult again =
      RunT3({"generate", "--from", folder / "a.json", "--output", folder / "b.mp4"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("the same bytes as the recorded one"));
  EXPECT_THAT(again.err, Not(HasSubstr("differs")));
  EXPECT_EQ(ReadBytes(folder / "a.mp4"), ReadBytes(folder / "b.mp4"));

  const ProgramResult other = RunT3(
      {"generate", "--from", folder / "a.json", "--steps", "3", "--output", folder / "c.mp4"});
  ASSERT_EQ(other.exit_code, 0) << other.err;
  EXPECT_THAT(other.err, HasSubstr("steps (2, now 3)"));
  EXPECT_THAT(other.err, HasSubstr("bytes differ"));
}

TEST(Runs, ConfigLiesUnderTheFlags) {
  const TemporaryFolder folder;
  std::ofstream(folder / "c.json") << json{{"model", ReferencePath("mini2.1")},
                                           {"prompt", "--not a flag"},
                                           {"negative-prompt", ""},
                                           {"size", "32x32"},
                                           {"frames", 1},
                                           {"steps", 2},
                                           {"guidance", 1.0},
                                           {"device", "cpu"},
                                           {"deterministic", true},
                                           {"seed", 4}};
  const ProgramResult result =
      RunT3({"generate", "--steps", "3", "--config", folder / "c.json", "--seeds", "8", "--record",
             folder / "r.json", "--output", folder / "x.y4m"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json settings = json::parse(ReadBytes(folder / "r.json"))["settings"];
  EXPECT_EQ(settings["steps"], 3);
  EXPECT_EQ(settings["seed"], 8);
  EXPECT_EQ(settings["prompt"], "--not a flag");
  EXPECT_EQ(settings["negative-prompt"], "");
  EXPECT_EQ(settings["deterministic"], true);

  std::ofstream(folder / "d.json") << json{{"stepz", 2}};
  const ProgramResult wrong =
      RunT3({"generate", "--config", folder / "d.json", "--output", folder / "x.y4m"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err,
              HasSubstr("\"stepz\" is not a flag of t3 generate; did you mean --steps?"));
}

TEST(Runs, EnvironmentGivesModelAndDevice) {
  const TemporaryFolder folder;
  Arguments run = Small({"--prompt", "x", "--output", folder / "x.y4m", "--dry-run"});
  run.erase(run.begin() + 1, run.begin() + 3);
  const auto device = std::find(run.begin(), run.end(), "--device");
  run.erase(device, device + 2);
  EXPECT_EQ(RunT3(run).exit_code, 2);
  const std::string model = "T3_MODEL_DIR=" + ReferencePath("mini2.1");
  const ProgramResult result = RunT3(run, {.environment = {model, "T3_DEVICE=cpu"}});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(RunT3(run, {.environment = {model, "T3_DEVICE=abacus"}}).exit_code, 2);
}

TEST(Runs, SaysWhatWillBeDoneFirst) {
  const TemporaryFolder folder;
  const Arguments run = Small({"--prompt", "x", "--attention", "t3", "--size", "128x64", "--output",
                               folder / "x.mp4", "--dry-run"});
  const ProgramResult plain = RunT3(run);
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_TRUE(NamesIn(folder.path()).empty());
  EXPECT_THAT(plain.out, HasSubstr("trained with full attention, run with t3"));
  EXPECT_THAT(plain.out, HasSubstr("128x64, 1 frame at 16 fps, 32 tokens"));
  EXPECT_THAT(plain.out, HasSubstr("2 steps of unipc, guidance 5, shift 5, seed 0"));
  EXPECT_THAT(plain.out, HasSubstr("`t3 plan --calibrate --attention t3 --dtype fp32`"));
  // The report is the result, whatever is said of progress.
  Arguments silent = run;
  silent = With(silent, {"--progress", "none"});
  const auto head = [](const std::string& text) { return text.substr(0, text.find("memory")); };
  EXPECT_EQ(head(RunT3(silent).out), head(plain.out));  // how much memory is free changes
  Arguments for_programs = run;
  for_programs = With(for_programs, {"--progress", "json"});
  EXPECT_EQ(json::parse(RunT3(for_programs).out)["frames"], 1);

  const std::string cache = "XDG_CACHE_HOME=" + folder.path();
  const ProgramResult plan =
      RunT3({"plan", "--model", ReferencePath("mini2.1"), "--attention", "t3", "--size", "128x64",
             "--frames", "1", "--calibrate", "--json"},
            {.environment = {cache}});
  ASSERT_EQ(plan.exit_code, 0) << plan.err;
  const json time = json::parse(plan.out)["time"];
  EXPECT_GT(time["forward_seconds"], 0.0);
  EXPECT_GT(time["decoding_seconds"], 0.0);
  // Kept: plan tells it without measuring.
  const ProgramResult kept = RunT3({"plan", "--model", ReferencePath("mini2.1"), "--attention",
                                    "t3", "--size", "128x64", "--frames", "1", "--json"},
                                   {.environment = {cache}});
  EXPECT_EQ(json::parse(kept.out)["time"], time);
  EXPECT_THAT(kept.err, Not(HasSubstr("timing")));
  Arguments native = run;
  native = With(native, {"--dtype", "auto"});
  EXPECT_THAT(RunT3(native, {.environment = {cache}}).out, HasSubstr("(calibrated "));
  // A damaged calibration is as none.
  for (const std::string& name : NamesIn(folder / "t3video"))
    std::ofstream(folder / ("t3video/" + name)) << std::string(250'000, '[');
  const ProgramResult damaged = RunT3(native, {.environment = {cache}});
  EXPECT_EQ(damaged.exit_code, 0) << damaged.err;
  EXPECT_THAT(damaged.err, HasSubstr("measures the machine again"));
}

TEST(Runs, WhatDoesNotFitIsRefusedWithFlagsThatWouldFit) {
  const TemporaryFolder folder;
  const auto run = [&](const Arguments& more) {
    Arguments arguments = Small({"--prompt", "x", "--size", "512x512", "--frames", "81", "--output",
                                 folder / "x.safetensors", "--memory-limit", "120MB"});
    arguments = With(arguments, more);
    return RunT3(arguments);
  };
  const ProgramResult refused = run({});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("this would fit: "));
  EXPECT_THAT(refused.err, Not(HasSubstr("loading")));
  // The size it names does fit.
  const size_t at = refused.err.find("--size ", refused.err.find("this would fit"));
  ASSERT_NE(at, std::string::npos) << refused.err;
  const std::string size = refused.err.substr(at + 7, refused.err.find_first_of(",;", at) - at - 7);
  EXPECT_EQ(run({"--size", size, "--steps", "1"}).exit_code, 0) << size;
}

TEST(Runs, ProgressAsJson) {
  const TemporaryFolder folder;
  const ProgramResult result =
      RunT3(Small({"--prompt", "x", "--output", folder / "x.y4m", "--progress", "json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<json> lines = JsonLines(result.err);
  EXPECT_EQ(lines.front()["event"], "plan");
  EXPECT_EQ(lines.back()["event"], "result");
  const json stages = lines.back()["stages"];  // as a record has them
  EXPECT_EQ(stages[1]["step_seconds"].size(), 2u);
  for (const char* part : {"first rows", "decoder", "waiting for the file", "writing"})
    EXPECT_GE(stages[2]["part_seconds"][part].get<double>(), 0) << part;
  int steps = 0;
  for (const json& line : lines) {
    if (line["event"] == "progress" && line["stage"] == "denoising") {
      ++steps;
      EXPECT_EQ(line["total"], 2);
      EXPECT_GT(line["memory_bytes"], 0);
    }
  }
  EXPECT_GE(steps, 2);
  const ProgramResult failed =
      RunT3(Small({"--prompt", "x", "--output", folder / "no/x.y4m", "--progress", "json"}));
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_EQ(JsonLines(failed.err).back()["event"], "error");
}

TEST(Runs, PreviewIsAPictureOfTheFrames) {
  const TemporaryFolder folder;
  const std::string cache = "XDG_CACHE_HOME=" + folder.path();
  const Arguments run = Small({"--prompt", "x", "--frames", "9", "--preview", folder / "p.png",
                               "--output", folder / "x.safetensors"});
  const ProgramResult first = RunT3(run, {.environment = {cache}});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("fitting the preview"));
  const std::string png = ReadBytes(folder / "p.png");
  ASSERT_GT(png.size(), 33u);
  // Three frames of 4x4 latents, 64 pixels each: width 768, height 256.
  EXPECT_EQ(png.substr(1, 3), "PNG");
  EXPECT_EQ(png.substr(16, 8), std::string("\0\0\3\0\0\0\1\0", 8));
  EXPECT_THAT(png, HasSubstr("2 of 2"));
  fs::remove(folder / "x.safetensors");
  const ProgramResult second = RunT3(run, {.environment = {cache}});
  EXPECT_THAT(second.err, Not(HasSubstr("fitting")));
}

TEST(Runs, FitPreviewWritesBesideTheModel) {
  const TemporaryFolder folder;
  fs::copy(ReferencePath("mini2.1"), folder / "model", fs::copy_options::recursive);
  const ProgramResult result = RunT3({"fit-preview", "--model", folder / "model"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("% of the colours"));
  const json map = json::parse(ReadBytes(folder / "model/preview.json"));
  EXPECT_EQ(map["matrix"].size(), 3u);
  EXPECT_EQ(map["matrix"][0].size(), 16u);
}

TEST(Runs, SuggestsWhatWasMeant) {
  EXPECT_THAT(RunT3({"generate", "--stpes", "3"}).err, HasSubstr("did you mean --steps"));
  EXPECT_THAT(RunT3({"genrate"}).err, HasSubstr("did you mean generate"));
  EXPECT_THAT(RunT3({"plan", "--preset", "wan2.1-1.3b-t4"}).err,
              HasSubstr("did you mean wan2.1-1.3b-t3?"));
  EXPECT_THAT(RunT3({"help", "resum"}).err, HasSubstr("did you mean resume?"));
}

TEST(Runs, HelpTopics) {
  EXPECT_THAT(RunT3({"help"}).out, HasSubstr("memory"));
  EXPECT_THAT(RunT3({"help", "memory"}).out, HasSubstr("--memory-limit"));
  EXPECT_THAT(RunT3({"help", "decode"}).out, HasSubstr("Usage"));
  EXPECT_EQ(RunT3({"help", "cookery"}).exit_code, 2);
}

TEST(Runs, BashCompletionCompletes) {
  const TemporaryFolder folder;
  std::ofstream(folder / "t3.bash") << RunT3({"completion", "bash"}).out;
  const auto complete = [&](const std::string& words, int at) {
    const std::string command = "bash -c 'source " + (folder / "t3.bash") + "; COMP_WORDS=(" +
                                words + "); COMP_CWORD=" + std::to_string(at) +
                                "; _t3; echo ${COMPREPLY[@]}' > " + (folder / "out");
    EXPECT_EQ(std::system(command.c_str()), 0);
    return ReadBytes(folder / "out");
  };
  EXPECT_EQ(complete("t3 gen", 1), "generate\n");
  EXPECT_EQ(complete("t3 generate --check", 2), "--checkpoint-every\n");
  EXPECT_EQ(complete("t3 generate --sampler u", 3), "unipc\n");
  EXPECT_THAT(RunT3({"completion", "zsh"}).out, HasSubstr("#compdef t3"));
  EXPECT_THAT(RunT3({"completion", "fish"}).out, HasSubstr("-l checkpoint-every"));
  EXPECT_EQ(RunT3({"completion", "csh"}).exit_code, 2);
}

TEST(Runs, DoctorLooksAtEverything) {
  const TemporaryFolder folder;
  const ProgramResult result = RunT3({"doctor", folder.path(), "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.out;
  std::vector<std::string> names;
  const json health = json::parse(result.out);
  for (const json& finding : health["findings"]) names.push_back(finding["name"]);
  EXPECT_THAT(names, ElementsAre("GPU", "driver", "libtorch", "CPU", "memory", "encoders", "disk",
                                 "model", "cache"));
  EXPECT_TRUE(NamesIn(folder.path()).empty());
  EXPECT_EQ(RunT3({"doctor", folder / "missing"}).exit_code, 1);
}

}  // namespace
}  // namespace t3
