// Options as people give them: nothing dropped in silence, mistakes explained, runs repeated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "program.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Arguments = std::vector<std::string>;

TEST(Usage, MistakesAreExplainedInOneLine) {
  const auto error_of = [](const Arguments& arguments) {
    const ProgramResult result = RunT3(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, testing::StartsWith("t3: error: "));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    return result.err;
  };
  EXPECT_THAT(error_of({}), HasSubstr("`t3 help`"));
  EXPECT_THAT(error_of({"genrate"}), HasSubstr("did you mean generate"));
  EXPECT_THAT(error_of({"generate", "--prompt", "a", "cat", "--output", "x.mp4"}),
              HasSubstr("needs quotes: --prompt \"a cat ...\""));
  EXPECT_THAT(error_of({"generate", "--prompt", "a", "--otput", "x.mp4"}),
              HasSubstr("did you mean --output"));
  EXPECT_THAT(error_of({"generate", "--prompt", "a", "--width", "200"}),
              HasSubstr("did you mean --size WIDTHxHEIGHT"));
  EXPECT_THAT(error_of({"generate", "--prompt", "a", "--cfg", "3"}),
              HasSubstr("did you mean --guidance"));
}

TEST(Usage, NumbersHaveRanges) {
  const TemporaryFolder folder;
  const std::string out = folder / "x.mp4", model = ReferencePath("mini2.1"), lora = folder / "l";
  const std::vector<std::pair<Arguments, const char*>> commands{
      {Small({"--prompt", "a", "--output", out, "--crf", "9999"}), "--crf 9999 is outside 0 to 51"},
      {Small({"--prompt", "a", "--output", out, "--lora", lora + ":1e9"}), "outside -100 to 100"},
      {Small({"--prompt", "a", "--output", out, "--lora", lora + ":nan"}), "outside -100 to 100"},
      {{"convert", model + "/Wan2.1_VAE.pth", folder / "c.safetensors", "--lora", lora + ":-101"},
       "outside -100 to 100"},
      {{"world", "--output", folder / "w", "--frames", "99999999999"}, "--frames 99999999999 is"},
      {{"world", "--output", folder / "w", "--count", "99999999999"}, "--count 99999999999 is"},
      {{"prepare", folder / "p", "--model", model, "--output", folder / "d", "--frames",
        "4294967297"},
       "at most 100000"},
      {{"prepare", folder / "p", "--model", model, "--output", folder / "d", "--clips-per-video",
        "1000001"},
       "--clips-per-video 1000001 is outside 1 to 1000000"},
      {{"prepare", folder / "p", "--model", model, "--output", folder / "d", "--draft", "0x0"},
       "--draft '0x0' is not a size"},
      {{"prepare", folder / "p", "--model", model, "--output", folder / "d", "--fps", "0"},
       "--fps 0: wanted a number above 0"},
      {{"bench", "encode", "--repeats", "1001"}, "--repeats 1001 is outside 1 to 1000"},
      {{"serve", "--model", model, "--data", folder / "s", "--keep-days", "nan"}, "nan is outside"},
      {{"eval", "--compare", "a", "b", "--margin", "nan"}, "--margin nan is not a finite number"},
      {{"eval", "--table", "a=b", "--against", "a", "--margins", "psnr=inf"},
       "inf is not a finite"},
  };
  for (const auto& [arguments, message] : commands) {
    const ProgramResult result = RunT3(arguments);
    EXPECT_EQ(result.exit_code, 2) << message << result.err;
    EXPECT_THAT(result.err, HasSubstr(message));
  }
  EXPECT_TRUE(NamesIn(folder.path()).empty());
}

TEST(Usage, MessagesNameAFileOnce) {
  const TemporaryFolder folder;
  const std::string model = ReferencePath("mini2.1"), none = folder / "none.safetensors";
  EXPECT_EQ(RunT3({"decode", none, "--model", model, "--output", folder / "x.mp4"}).err,
            "t3: error: cannot open " + none + ": No such file or directory\n");
  EXPECT_EQ(RunT3({"inspect", none}).err,
            "t3: error: cannot open " + none + ": No such file or directory\n");
  EXPECT_EQ(RunT3({"decode", folder.path(), "--model", model, "--output", folder / "x.mp4"}).err,
            "t3: error: cannot read " + folder.path() + ": it is not a regular file\n");
}

TEST(Usage, AFolderOfOtherThingsIsNotAnOutput) {
  const TemporaryFolder folder;
  std::ofstream(folder / "mine.txt") << "mine";
  for (const Arguments& more : {Arguments{}, Arguments{"--overwrite"}}) {
    Arguments arguments = Small({"--prompt", "a", "--output", "."});
    arguments = With(arguments, more);
    const ProgramResult result = RunT3(arguments, {.folder = folder.path()});
    EXPECT_NE(result.exit_code, 0) << result.out;
    EXPECT_THAT(NamesIn(folder.path()), ElementsAre("mine.txt")) << result.err;
    EXPECT_THAT(result.err,
                HasSubstr(more.empty() ? "name a file in it, such as ./video.mp4" : "mine.txt"));
  }
}

TEST(Usage, AFolderNamedDemoIsNotTheShippedModel) {
  const TemporaryFolder folder;
  const Arguments inspect{"inspect", "demo"};
  EXPECT_THAT(RunT3(inspect, {.folder = folder.path()}).err, Not(HasSubstr("./demo")));
  fs::create_directory(folder / "demo");
  const ProgramResult result = RunT3(inspect, {.folder = folder.path()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the folder of that name here is ./demo"));
}

TEST(Usage, EmptyAndImpossibleNumbersAreRefused) {
  const TemporaryFolder folder;
  for (const char* flag : {"--seed", "--steps", "--frames", "--guidance", "--shift", "--fps",
                           "--crf", "--size", "--preview-every", "--checkpoint-every"}) {
    const ProgramResult result =
        RunT3(Small({"--prompt", "a", "--output", folder / "x.mp4", flag, ""}));
    EXPECT_EQ(result.exit_code, 2) << flag << result.err;
    EXPECT_THAT(result.err, HasSubstr(flag));
  }
  for (const char* seed : {"-2", "18446744073709551616", "1.5", "one"}) {
    const ProgramResult result =
        RunT3(Small({"--prompt", "a", "--output", folder / "x.mp4", "--seed", seed}));
    EXPECT_EQ(result.exit_code, 2) << seed;
    EXPECT_THAT(result.err, HasSubstr("--seed"));
  }
  EXPECT_TRUE(NamesIn(folder.path()).empty());
}

// Numbers outside their range, also where they would have no effect.
TEST(Usage, NumbersOutOfRangeAreNamed) {
  const TemporaryFolder folder;
  const Arguments generate = Small({"--prompt", "a", "--dry-run"});
  const Arguments plan{"plan", "--preset", "wan2.1-1.3b"};
  const Arguments world{"world", "--output", folder / "w", "--device", "cpu"};
  const Arguments eval{"eval", "--truth", "--clips", "1", "--device", "cpu"};
  const Arguments init{"init", "wan2.1-1.3b", "--output", folder / "i"};
  const Arguments bench{"bench", "vae", "--device", "cpu"};
  const std::vector<std::pair<Arguments, Arguments>> wrong{
      {generate, {"--draft-steps", "0"}}, {generate, {"--draft-steps", "-1"}},
      {generate, {"--strength", "2"}},    {generate, {"--fp8-exclude-steps", "-1"}},
      {plan, {"--draft-steps", "0"}},     {eval, {"--draft-steps", "0"}},
      {eval, {"--steps", "0"}},           {eval, {"--batch", "-1"}},
      {eval, {"--first-seed", "-1"}},     {eval, {"--seed", "-1"}},
      {world, {"--seed", "-1"}},          {world, {"--fps", "0"}},
      {init, {"--seed", "-1"}},           {bench, {"--repeats", "0"}},
      {bench, {"--cudnn-choices", "-1"}}, {bench, {"--plain-frames", "-1"}}};
  for (const auto& [command, flag] : wrong) {
    const ProgramResult result = RunT3(With(command, flag));
    EXPECT_EQ(result.exit_code, 2) << flag[0] << result.err;
    EXPECT_THAT(result.err, HasSubstr(flag[0] + " "));
    EXPECT_LT(result.err.size(), 200U) << result.err;
  }
  EXPECT_TRUE(NamesIn(folder.path()).empty());
}

TEST(Usage, ADryRunRefusesNumbersOfGpusAsARunDoes) {
  for (const char* const count : {"0", "-1"}) {
    const ProgramResult result = RunT3(Small({"--prompt", "a", "--gpus", count, "--dry-run"}));
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr(std::string("--gpus ") + count));
  }
}

TEST(Usage, NonsenseIsRefused) {
  const TemporaryFolder folder;
  const std::string output = folder / "x.mp4";
  for (const auto& [arguments, word] :
       {std::pair(Arguments{"--output", output, "--overwrite=3"}, "--overwrite"),
        std::pair(Arguments{"--output", ""}, "--output"),
        std::pair(Arguments{"--output", output, "--lora", ""}, "--lora"),
        std::pair(Arguments{"--output", output, "--device", ""}, "--device"),
        std::pair(Arguments{"--output", output, "--seeds", ""}, "--seeds"),
        std::pair(Arguments{"--output", output, "--seeds", "0,"}, "--seeds"),
        std::pair(Arguments{"--output", output, "--seeds", ",0"}, "--seeds")}) {
    Arguments run = Small({"--prompt", "a"});
    run = With(run, arguments);
    const ProgramResult result = RunT3(run);
    EXPECT_EQ(result.exit_code, 2) << word;
    EXPECT_THAT(result.err, HasSubstr(word));
  }
  EXPECT_TRUE(NamesIn(folder.path()).empty());
  EXPECT_THAT(RunT3({"inspect"}).err, HasSubstr("`t3 inspect` needs files: weight files"));
  EXPECT_THAT(RunT3({"bench"}).err, HasSubstr("needs one of dit, attention, vae, encode, file"));
}

TEST(Usage, WhatIsNotARecordSaysWhatItIs) {
  const TemporaryFolder folder;
  std::ofstream(folder / "p.txt") << "a\n";
  ASSERT_EQ(
      RunT3(Small({"--prompt-file", folder / "p.txt", "--output", folder / "out/"})).exit_code, 0);
  const auto error_of = [&](const std::string& file) {
    const ProgramResult result =
        RunT3({"generate", "--from", file, "--output", folder / "again.mp4"});
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_THAT(result.err, Not(HasSubstr("exception")));
    return result.err;
  };
  EXPECT_THAT(error_of(folder / "out/job.json"), HasSubstr("`t3 resume " + (folder / "out") + "`"));
  std::ofstream(folder / "r.json") << R"({"t3": {}})";
  EXPECT_THAT(error_of(folder / "r.json"), HasSubstr("no object \"settings\""));
  json record = json::parse(ReadBytes(folder / "out/001-a.mp4.json"));
  record["settings"]["noise"] = "nowhere.safetensors";
  std::ofstream(folder / "r.json") << record;
  EXPECT_THAT(error_of(folder / "r.json"),
              HasSubstr("the noise nowhere.safetensors: no such file in /"));
}

TEST(Usage, ListsOfLevelsThatCannotBeRunAreRefused) {
  const TemporaryFolder folder;
  const auto error_of = [&](const Arguments& more) {
    Arguments run{"generate", "--model",       ReferencePath("mini2.1"),
                  "--size",   "32x32",         "--frames",
                  "1",        "--prompt",      "a",
                  "--output", folder / "x.y4m"};
    run = With(run, more);
    const ProgramResult result = RunT3(run);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    return result.err;
  };
  EXPECT_THAT(error_of({"--timesteps", "1000,522,757"}),
              HasSubstr("--timesteps: levels must fall from step to step, but 757 follows 522"));
  EXPECT_THAT(error_of({"--timesteps", "1000;757"}),
              HasSubstr("--timesteps '1000;757' is not a list of numbers"));
  EXPECT_THAT(error_of({"--timesteps", "1000,"}), HasSubstr("is not a list of numbers"));
  EXPECT_THAT(error_of({"--timesteps", ""}), HasSubstr("--timesteps"));
  EXPECT_THAT(error_of({"--timesteps", "1000,nan"}), HasSubstr("--timesteps: nan is not above 0"));
  EXPECT_THAT(error_of({"--sigmas", "1000,757"}), HasSubstr("--sigmas: 1000 is not above 0"));
  EXPECT_THAT(error_of({"--sigmas", "1", "--timesteps", "1000"}), HasSubstr("one of the two"));
  EXPECT_THAT(error_of({"--sigmas", "1,0.5", "--steps", "3"}),
              HasSubstr("--steps 3 contradicts --sigmas, which has 2 levels"));
  EXPECT_THAT(error_of({"--sampler", "rcm", "--steps", "5"}), HasSubstr("for 1 to 4 steps, not 5"));
  EXPECT_THAT(error_of({"--sampler", "heun"}), HasSubstr("use euler, unipc, renoise or rcm"));
  EXPECT_TRUE(NamesIn(folder.path()).empty());
}

TEST(Usage, ListsAreRepeatedAndReplaced) {
  const TemporaryFolder folder;
  const std::string record = folder / "a.json";
  std::ofstream(folder / "flags.json")
      << R"({"sampler": "renoise", "timesteps": [1000, 600, 300], "guidance": 1, "seed": 5})";
  const Arguments model{"--model", ReferencePath("mini2.1"), "--device", "cpu", "--dtype", "fp32"};
  const auto run = [&](Arguments arguments) {
    arguments.insert(arguments.begin(), "generate");
    arguments = With(arguments, model);
    return RunT3(arguments);
  };
  const ProgramResult first =
      run({"--config", folder / "flags.json", "--size", "32x32", "--frames", "1", "--prompt", "a",
           "--record", record, "--output", folder / "a.y4m"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("3 steps of renoise at timesteps 1000, 600, 300, guidance 1, "
                                   "seed 5"));
  const json settings = json::parse(ReadBytes(record))["settings"];
  EXPECT_EQ(settings["timesteps"], "1000,600,300");
  EXPECT_FALSE(settings.contains("shift"));
  const ProgramResult second = run({"--from", record, "--output", folder / "b.y4m"});
  ASSERT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(ReadBytes(folder / "a.y4m"), ReadBytes(folder / "b.y4m"));
  const ProgramResult third = run({"--from", record, "--output", folder / "c.y4m", "--steps", "2",
                                   "--shift", "3", "--dry-run"});
  ASSERT_EQ(third.exit_code, 0) << third.err;
  EXPECT_THAT(third.out, HasSubstr("2 steps of renoise, guidance 1, shift 3, seed 5"));
}

TEST(Usage, DistilledWeightsAreRecognised) {
  const TemporaryFolder folder;
  fs::copy(ReferencePath("mini2.1"), folder / "model", fs::copy_options::recursive);
  fs::rename(folder / "model/diffusion_pytorch_model.safetensors",
             folder / "model/wan2.1_lightx2v_4step.safetensors");
  const auto notes_of = [&](const Arguments& more) {
    Arguments run{
        "generate", "--model", folder / "model", "--size",   "32x32",         "--frames", "1",
        "--prompt", "a",       "--dry-run",      "--output", folder / "x.y4m"};
    run = With(run, more);
    const ProgramResult result = RunT3(run);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  EXPECT_THAT(notes_of({}),
              AllOf(HasSubstr("4 steps of euler, guidance 1, shift 5, seed 0"),
                    HasSubstr("LightX2V 4-step: euler, 4 steps, shift 5, guidance 1 (from the "
                              "file's name)")));
  EXPECT_THAT(notes_of({"--steps", "50", "--guidance", "5"}),
              HasSubstr("were not distilled for 50 steps with guidance 5"));
  // A plan says the same.
  Arguments plan{"plan",    "--model", folder / "model", "--size", "32x32",    "--frames", "1",
                 "--steps", "50",      "--guidance",     "5",      "--device", "cpu"};
  EXPECT_THAT(RunT3(plan).out, AllOf(HasSubstr("note: LightX2V 4-step: euler, 4 steps"),
                                     HasSubstr("note: these weights were not distilled for 50")));
  plan.push_back("--json");
  EXPECT_EQ(json::parse(RunT3(plan).out)["notes"].size(), 2u);
}

TEST(Usage, ASeedThatIsDrawnIsRecorded) {
  const TemporaryFolder folder;
  json seeds = json::array();
  for (const char* name : {"a", "b"}) {
    const std::string record = folder / (std::string(name) + ".json");
    const ProgramResult result = RunT3(Small({"--prompt", "a", "--seed", "-1", "--record", record,
                                              "--output", folder / (std::string(name) + ".y4m")}));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    seeds.push_back(json::parse(ReadBytes(record))["settings"]["seed"]);
    EXPECT_THAT(result.err, HasSubstr("seed " + seeds.back().dump()));
  }
  EXPECT_NE(seeds[0], seeds[1]);
}

TEST(Usage, SettingsWithoutEffectAreNamed) {
  const TemporaryFolder folder;
  const ProgramResult result =
      RunT3(Small({"--prompt", "a", "--guidance", "1", "--negative-prompt", "blurry", "--crf", "20",
                   "--output", folder / "x.safetensors"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("--negative-prompt has no effect at --guidance 1"),
                                HasSubstr("--crf has no effect on latents")));
  std::string longer;
  for (int i = 0; i < 200; ++i) longer += "a very long prompt about a cat ";
  const ProgramResult cut =
      RunT3(Small({"--prompt", longer, "--output", folder / "y.safetensors"}));
  ASSERT_EQ(cut.exit_code, 0) << cut.err;
  EXPECT_THAT(cut.err, HasSubstr("reads the first 512"));
}

TEST(Usage, TextThatIsNotUtf8IsNamed) {
  const TemporaryFolder folder;
  const ProgramResult result = RunT3(Small({"--prompt", "caf\xe9", "--output", folder / "x.y4m"}));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("--prompt is not UTF-8"), Not(HasSubstr("exception"))));
}

// A script may append to a command. Two prompts are two videos.
TEST(Usage, TheLaterValueOfAFlagCountsButNoPromptIsDropped) {
  const TemporaryFolder folder;
  const Arguments run = Small({"--prompt", "a", "--output", folder / "x.y4m", "--overwrite",
                               "--overwrite", "--dry-run", "--seed", "1"});
  Arguments other = run;
  other.insert(other.end(), {"--seed", "5"});
  const ProgramResult later = RunT3(other);
  ASSERT_EQ(later.exit_code, 0) << later.err;
  EXPECT_THAT(later.out, HasSubstr("seed 5"));
  Arguments two = run;
  two.insert(two.end(), {"--prompt", "b"});
  const ProgramResult refused = RunT3(two);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--prompt is given more than once"));
}

TEST(Usage, AnEmptyPromptIsRefusedWhereTextIsEncoded) {
  const TemporaryFolder folder;
  for (const char* prompt : {"", "   ", "\n"}) {
    const ProgramResult result = RunT3(Small({"--prompt", prompt, "--output", folder / "x.y4m"}));
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr("--prompt is empty"));
  }
  std::ofstream(folder / "p.json") << R"(["", {"prompt": " ", "seed": 1}])";
  const ProgramResult list =
      RunT3(Small({"--prompt-file", folder / "p.json", "--output", folder / "v/"}));
  EXPECT_EQ(list.exit_code, 1);
  EXPECT_THAT(list.err, AllOf(HasSubstr("p.json:1: --prompt is empty"),
                              HasSubstr("p.json:2: --prompt is empty")));
  EXPECT_FALSE(fs::exists(folder / "v"));
}

// What `t3 resume` cannot make is not left to it.
TEST(Usage, AWrongEntryOfAPromptFileIsToBeCorrected) {
  const TemporaryFolder folder;
  const auto run = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
    return RunT3(Small({"--prompt-file", folder / name, "--output", folder / "v/"})).err;
  };
  for (const std::string& err :
       {run("a.json", R"([{"prompt": "x", "seed": "abc"}])"),
        run("b.json", R"([{"prompt": "x", "steps": 0}])"), run("c.txt", "caf\xe9\n")}) {
    EXPECT_THAT(err, HasSubstr("1 of 1 video failed; correct the prompt file and run the command"));
    EXPECT_THAT(err, Not(HasSubstr("t3 resume")));
  }
}

// On the CPU a stage and the process are in the same memory.
TEST(Usage, PlanAndRunAgreeOnWhatFitsTheHost) {
  const Arguments size{"--size", "512x288", "--frames", "17"};
  const auto plan = [&](const std::string& limit) {
    const ProgramResult result =
        RunT3(With({"plan", "--model", ReferencePath("mini2.1"), "--device", "cpu", "--dtype",
                    "fp32", "--json", "--host-memory-limit", limit},
                   size));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out);
  };
  const auto run = [&](const std::string& limit) {
    return RunT3(With(
        Small({"--prompt", "a", "--output", "x.y4m", "--dry-run", "--host-memory-limit", limit}),
        size));
  };
  const auto bytes = [](const json& stages) {
    return stages.at("host_memory").at("total_bytes").get<int64_t>();
  };
  const json whole = plan("8GB");
  EXPECT_TRUE(whole.at("fits"));
  const json least = plan("700MB");
  EXPECT_FALSE(least.at("fits"));
  const int64_t less = (bytes(whole) + bytes(least)) / 2;
  const json slabs = plan(std::to_string(less));  // where all at once does not fit
  EXPECT_TRUE(slabs.at("fits"));
  EXPECT_LE(bytes(slabs), less);
  EXPECT_EQ(run(std::to_string(less)).exit_code, 0);

  const ProgramResult text = RunT3(With({"plan", "--model", ReferencePath("mini2.1"), "--device",
                                         "cpu", "--host-memory-limit", "700MB"},
                                        size));
  EXPECT_THAT(text.out, AllOf(HasSubstr("does not fit: the process on the host needs"),
                              HasSubstr("`t3 generate` refuses it")));
  const ProgramResult refused = run("700MB");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("the process needs about"),
                                 HasSubstr("but the host has 700.0 MB available"),
                                 HasSubstr("--host-memory-limit sets what may be used")));
}

// The frames of so small a video have no room for the settings, which the writer says.
TEST(Usage, NotesOfTheWriterArePrinted) {
  const TemporaryFolder folder;
  const ProgramResult dry =
      RunT3(Small({"--prompt", "a", "--size", "16x16", "--output", folder / "x.y4m", "--dry-run"}));
  EXPECT_EQ(dry.exit_code, 0) << dry.err;
  EXPECT_THAT(dry.out,
              HasSubstr("note: " + (folder / "x.y4m") + " is written without its settings"));
}

TEST(Usage, MessagesNameWhatIsThere) {
  const TemporaryFolder folder;
  const std::string latents = folder / "k.safetensors";
  ASSERT_EQ(RunT3(Small({"--prompt", "a", "--output", latents})).exit_code, 0);
  EXPECT_THAT(RunT3(Small({"--text-embeds", latents, "--output", folder / "x.y4m"})).err,
              HasSubstr("has no tensor 'prompt'"));
  EXPECT_THAT(RunT3(Small({"--prompt", "a", "--lora", latents + ":abc", "--dry-run"})).err,
              HasSubstr("the scale 'abc' is not a number"));
  const ProgramResult nothing = RunT3({"score"});
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.err,
              AllOf(HasSubstr("there is no video to score"), Not(HasSubstr("--inputs"))));
  std::ofstream(folder / "t3.sh") << "echo";
  EXPECT_THAT(RunT3({"score", folder / "t3.sh"}).err, HasSubstr("t3: error: t3: cannot read"));
}

TEST(Usage, ADryRunRefusesWhatTheRunRefuses) {
  const TemporaryFolder folder;
  fs::copy(ReferencePath("mini2.1"), folder / "model", fs::copy_options::recursive);
  fs::remove_all(folder / "model/google");
  const auto refused = [&](const Arguments& more) {
    Arguments run = Small({"--prompt", "a", "--output", folder / "x.y4m"});
    run = With(run, more);
    const ProgramResult real = RunT3(run);
    run.push_back("--dry-run");
    const ProgramResult dry = RunT3(run);
    EXPECT_NE(real.exit_code, 0);
    EXPECT_EQ(dry.exit_code, real.exit_code) << dry.err;
    const auto last = [](const std::string& text) { return text.substr(text.rfind("t3: error")); };
    EXPECT_EQ(last(dry.err).substr(0, 60), last(real.err).substr(0, 60));
  };
  refused({"--memory-limit", "1MB"});
  refused({"--model", folder / "model"});
  refused({"--noise", ReferencePath("i2v.png")});
  refused({"--record", folder / "x.y4m"});
}

TEST(Usage, AFinishedFileCarriesItsSettings) {
  const TemporaryFolder folder;
  const Arguments model{"--model", ReferencePath("mini2.1"), "--device", "cpu"};
  const ProgramResult first =
      RunT3(Small({"--prompt", "A cat", "--negative-prompt", "", "--attention", "t3", "--seed", "7",
                   "--output", folder / "a.mp4"}));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  Arguments again{"generate", "--from", folder / "a.mp4", "--output", folder / "b.mp4"};
  again = With(again, model);
  const ProgramResult second = RunT3(again);
  ASSERT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(ReadBytes(folder / "a.mp4"), ReadBytes(folder / "b.mp4"));
  again[2] = ReferencePath("i2v.png");
  const ProgramResult foreign = RunT3(again);
  EXPECT_EQ(foreign.exit_code, 1);
  EXPECT_THAT(foreign.err, HasSubstr("is not a video, latents or a record of t3"));
}

// A record names the windows that were planned; the metadata must say the same of them.
TEST(Usage, RepeatedRunsWithWindowsHaveEqualBytes) {
  const TemporaryFolder folder;
  const ProgramResult first =
      RunT3(Small({"--prompt", "A cat", "--attention", "t3", "--deterministic", "--record",
                   folder / "a.json", "--output", folder / "a.mp4"}));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const ProgramResult again =
      RunT3({"generate", "--from", folder / "a.json", "--output", folder / "b.mp4"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("the same bytes"));
}

TEST(Usage, AnOutputHasADefaultName) {
  const TemporaryFolder folder;
  const ProgramResult result = RunT3(Small({"-p", "A cat, on a mat!"}), {.folder = folder.path()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("a-cat-on-a-mat.mp4"));
}

}  // namespace
}  // namespace t3
