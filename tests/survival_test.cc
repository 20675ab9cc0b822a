// What must survive: logs that cannot be written, signals, and files of other runs and people.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/output_lock.h"
#include "program.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

using Arguments = std::vector<std::string>;

Arguments Generate(const Arguments& more, const std::string& model = ReferencePath("mini2.1")) {
  Arguments arguments{"generate", "--model", model,  "--size",     "64x64", "--frames",
                      "1",        "--steps", "1",    "--device",   "cpu",   "--guidance",
                      "1",        "--dtype", "fp32", "--progress", "plain"};
  arguments = With(arguments, more);
  return arguments;
}

ProgramResult MustRun(const Arguments& arguments) {
  ProgramResult result = RunT3(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result;
}

void Put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// A video whose file limit ends its run, so that its final latents stay.
void LeaveLatents(const std::string& output, const std::string& prompt) {
  const ProgramResult result = RunT3(
      Generate({"--frames", "5", "--prompt", prompt, "--output", output}), {.file_limit = 12'288});
  ASSERT_EQ(result.exit_code, 1) << result.err;
  ASSERT_TRUE(fs::exists(output + ".latents.safetensors")) << result.err;
}

TEST(Survival, ALogThatCannotBeWrittenCostsNothing) {
  for (const char* log : {"/dev/full", "closed"}) {
    const TemporaryFolder folder;
    const ProgramResult result =
        RunT3(Generate({"--prompt", "a", "--output", folder / "v.mp4"}), {.stderr_to = log});
    EXPECT_EQ(result.exit_code, 0) << log;
    EXPECT_THAT(result.out, HasSubstr("v.mp4  64x64"));
    EXPECT_THAT(NamesIn(folder.path()), ElementsAre("v.mp4"));
  }
}

TEST(Survival, ResultsThatCannotBeWrittenAreAnError) {
  const std::string weights = ReferencePath("mini2.1/diffusion_pytorch_model.safetensors");
  for (const Arguments& arguments :
       {Arguments{"help"}, Arguments{"generate", "--help"}, Arguments{"--version"},
        Arguments{"inspect", weights}, Arguments{"inspect", "--json", weights},
        Arguments{"plan", "--json", "--preset", "wan2.1-1.3b"}, Arguments{"completion", "bash"}}) {
    for (const char* out : {"/dev/full", "closed"}) {
      const ProgramResult result = RunT3(arguments, {.stdout_to = out});
      EXPECT_EQ(result.exit_code, 1) << arguments.front();
      EXPECT_THAT(result.err, HasSubstr("standard output could not be written"));
    }
  }
  // The work is done all the same.
  const TemporaryFolder folder;
  Put(folder / "two.txt", "a\nb\n");
  const ProgramResult result =
      RunT3(Generate({"--prompt-file", folder / "two.txt", "--output", folder / "out/"}),
            {.stdout_to = "/dev/full"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(fs::exists(folder / "out/001-a.mp4") && fs::exists(folder / "out/002-b.mp4"));
}

TEST(Survival, AHangUpSavesTheStep) {
  const TemporaryFolder folder;
  const ProgramResult result = RunT3(Generate({"--steps", "1000", "--size", "256x256", "--prompt",
                                               "a", "--output", folder / "v.mp4"}),
                                     {.seconds_to_interrupt = 3, .signal = SIGHUP});
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("v.mp4.checkpoint.safetensors"));
  EXPECT_THAT(result.err, HasSubstr("t3 resume"));
}

TEST(Survival, AForeignFileIsNotReplacedUnasked) {
  const TemporaryFolder folder;
  const std::string output = folder / "v.mp4";
  Put(output, "mine");
  const Arguments run = Generate({"--prompt", "a", "--output", output});
  const ProgramResult refused = RunT3(run);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("--overwrite"));
  EXPECT_EQ(ReadBytes(output), "mine");
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("v.mp4"));

  Arguments overwrite = run;
  overwrite.push_back("--overwrite");
  MustRun(overwrite);
  const std::string video = ReadBytes(output);
  EXPECT_NE(video, "mine");
  MustRun(run);  // its own result of the same settings
  EXPECT_EQ(ReadBytes(output), video);
  Arguments other = run;
  other = With(other, {"--seed", "5"});
  EXPECT_EQ(RunT3(other).exit_code, 1);
  EXPECT_EQ(ReadBytes(output), video);
  other.push_back("--restart");  // says that an earlier video may go
  MustRun(other);
  EXPECT_NE(ReadBytes(output), video);

  for (const auto& [flag, name] : {std::pair("--record", "n.json"), std::pair("--preview", "n.png"),
                                   std::pair("--save-latents", "n.safetensors")}) {
    Put(folder / name, "mine");
    const ProgramResult result =
        RunT3(Generate({"--prompt", "b", "--output", folder / "w.mp4", flag, folder / name}));
    EXPECT_EQ(result.exit_code, 1) << flag;
    EXPECT_THAT(result.err, HasSubstr("--overwrite"));
    EXPECT_EQ(ReadBytes(folder / name), "mine") << flag;
  }
}

// Commands whose results carry no settings know them by what they hold.
TEST(Survival, NoCommandReplacesAForeignFileUnasked) {
  const TemporaryFolder folder;
  const std::string model = ReferencePath("mini2.1");
  const Arguments eval{"eval",         "--truth",        "--clips",  "1",
                       "--size",       "64x48",          "--frames", "5",
                       "--save-sheet", folder / "s.png", "--json",   folder / "e.json"};
  const std::vector<std::pair<std::string, Arguments>> commands{
      {"t.safetensors",
       {"encode-text", "--model", model, "--prompt", "a", "--device", "cpu", "--output",
        folder / "t.safetensors"}},
      {"c.safetensors",
       {"convert", model + "/diffusion_pytorch_model.safetensors", folder / "c.safetensors"}},
      {"p.json",
       {"fit-preview", "--model", model, "--device", "cpu", "--output", folder / "p.json"}},
      {"e.json", eval},
      {"s.png", eval},
      {"w/world_00000000.y4m",
       {"world", "--frames", "1", "--size", "64x48", "--format", "y4m", "--device", "cpu",
        "--output", folder / "w"}}};
  fs::create_directory(folder / "w");
  for (const auto& [name, arguments] : commands) {
    const std::string file = folder / name;
    Put(file, "mine");
    const ProgramResult refused = RunT3(arguments);
    EXPECT_EQ(refused.exit_code, 1) << name;
    EXPECT_THAT(refused.err, AllOf(HasSubstr(file), HasSubstr("--overwrite"))) << name;
    EXPECT_EQ(ReadBytes(file), "mine") << name;
    Arguments overwrite = arguments;
    overwrite.push_back("--overwrite");
    MustRun(overwrite);
    EXPECT_NE(ReadBytes(file), "mine") << name;
    MustRun(arguments);  // its own
  }
}

TEST(Survival, OutputsHaveTheirExtensions) {
  const TemporaryFolder folder;
  const std::string model = ReferencePath("mini2.1");
  for (const Arguments& arguments :
       {Generate({"--prompt", "a", "--output", folder / "v.mp4", "--preview", folder / "p.jpg"}),
        Generate({"--prompt", "a", "--output", folder / "v.mp4", "--record", folder / "r.txt"}),
        Generate(
            {"--prompt", "a", "--output", folder / "v.mp4", "--save-latents", folder / "l.pt"}),
        Arguments{"encode-text", "--model", model, "--prompt", "a", "--output", folder / "t.bin"},
        Arguments{"fit-preview", "--model", model, "--output", folder / "p.png"},
        Arguments{"eval", "--truth", "--clips", "1", "--json", folder / "e.txt"},
        Arguments{"eval", "--truth", "--clips", "1", "--save-sheet", folder / "s.jpg"}}) {
    const ProgramResult result = RunT3(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr("must end in"));
  }
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre());
}

TEST(Survival, RefusedCommandsLeaveNoFolders) {
  const TemporaryFolder folder;
  const std::string model = ReferencePath("mini2.1"), out = folder / "a/b/out/";
  Put(folder / "p.txt", "a\nb\n");
  const std::vector<std::string> before = NamesIn(folder.path());
  for (const Arguments& arguments :
       {Generate({"--prompt-file", folder / "none.txt", "--output", out}),
        Generate({"--prompt-file", folder / "p.txt", "--output", out}, folder / "no-model"),
        Generate({"--prompt-file", folder / "p.txt", "--steps", "0", "--output", out}),
        Generate({"--prompt-file", folder / "p.txt", "--memory-limit", "1MB", "--output", out}),
        Generate({"--prompt", "a", "--seeds", "1,x", "--output", out}),
        Generate({"--prompt-file", folder / "p.txt", "--output", out, "--codec", "none"}),
        Arguments{"world", "--size", "64x4800000", "--output", out},
        Arguments{"world", "--frames", "0", "--output", out},
        Arguments{"prepare", folder / "p.txt", "--model", model, "--size", "33x32", "--output",
                  out},
        Arguments{"init", "no-such-preset", "--output", out}}) {
    const ProgramResult result = RunT3(arguments);
    EXPECT_NE(result.exit_code, 0) << result.out;
    EXPECT_THAT(result.err, Not(HasSubstr("loading")));
    EXPECT_EQ(NamesIn(folder.path()), before) << result.err;
  }
  // A folder with an earlier job has it again.
  MustRun(Generate({"--prompt-file", folder / "p.txt", "--output", out}));
  const std::string job = ReadBytes(out + "job.json");
  EXPECT_EQ(RunT3(Generate({"--prompt-file", folder / "p.txt", "--steps", "0", "--output", out}))
                .exit_code,
            1);
  EXPECT_EQ(ReadBytes(out + "job.json"), job);
}

TEST(Survival, DrawnSeedsOfAJobAreUsedAgain) {
  const TemporaryFolder folder;
  Put(folder / "p.json", R"([{"prompt": "a", "seed": -1}, {"prompt": "a", "seed": -1}, "b"])");
  for (const Arguments& seeds : {Arguments{}, Arguments{"--seed", "-1"}}) {
    const std::string out = folder / ("out" + std::to_string(seeds.size()) + "/");
    Arguments run = Generate({"--prompt-file", folder / "p.json", "--output", out});
    run = With(run, seeds);
    MustRun(run);
    const std::vector<std::string> names = NamesIn(out);
    EXPECT_EQ(names.size(), 7U);
    const json first = json::parse(ReadBytes(out + "001-a.mp4.json"))["settings"]["seed"];
    EXPECT_NE(first, json::parse(ReadBytes(out + "002-a.mp4.json"))["settings"]["seed"]);
    const std::string gone = ReadBytes(out + "001-a.mp4");
    fs::remove(out + "001-a.mp4");
    const ProgramResult again = MustRun(run);
    EXPECT_EQ(NamesIn(out), names);
    EXPECT_EQ(ReadBytes(out + "001-a.mp4"), gone);
    EXPECT_THAT(again.out, HasSubstr("already finished"));
  }
  // Of the command alone, several.
  const std::string out = folder / "seeds/";
  const Arguments run = Generate({"--prompt", "a", "--seeds", "-1,-1", "--output", out});
  MustRun(run);
  const std::vector<std::string> names = NamesIn(out);
  EXPECT_EQ(names.size(), 5U);
  MustRun(run);
  EXPECT_EQ(NamesIn(out), names);
}

TEST(Survival, AnInterruptedJobSaysHowItContinues) {
  const TemporaryFolder folder;
  Put(folder / "p.txt", "a\nb\n");
  const ProgramResult result = RunT3(Generate({"--prompt-file", folder / "p.txt", "--steps", "1000",
                                               "--size", "256x256", "--output", folder / "out/"}),
                                     {.seconds_to_interrupt = 3});
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_THAT(result.err, HasSubstr("`t3 resume " + (folder / "out/") + "` continues the job"));
}

TEST(Survival, PicturesAndRawVideoCarryTheirSettings) {
  const TemporaryFolder folder;
  for (const char* name : {"v.gif", "v.webp", "v.y4m"}) {
    SCOPED_TRACE(name);
    Arguments run = Generate({"--prompt", "a \"cat\" & <dog>"});
    const auto to = [&](const std::string& path) {
      Arguments arguments = run;
      arguments = With(arguments, {"--output", path});
      return arguments;
    };
    MustRun(to(folder / name));
    const std::string video = ReadBytes(folder / name);
    MustRun(to(folder / name));  // its own result of the same settings
    EXPECT_EQ(ReadBytes(folder / name), video);
    MustRun({"generate", "--from", folder / name, "--model", ReferencePath("mini2.1"), "--device",
             "cpu", "--output", folder / (std::string("again_") + name)});
    EXPECT_EQ(ReadBytes(folder / (std::string("again_") + name)), video);
    run = With(run, {"--seed", "5"});
    EXPECT_EQ(RunT3(to(folder / name)).exit_code, 1);
    EXPECT_EQ(ReadBytes(folder / name), video);
  }
}

TEST(Survival, ARecordDoesNotDecideWhatIsReplaced) {
  const TemporaryFolder folder;
  const std::string record = folder / "r.json";
  MustRun(Generate({"--prompt", "a", "--output", folder / "v.mp4", "--record", record}));
  json content = json::parse(ReadBytes(record));
  Put(folder / "notes.json", "mine");
  content["settings"]["record"] = folder / "notes.json";
  content["settings"]["output"] = folder / "again.mp4";
  content["settings"]["overwrite"] = true;
  Put(record, content.dump());
  EXPECT_EQ(RunT3({"generate", "--from", record}).exit_code, 1);
  EXPECT_EQ(ReadBytes(folder / "notes.json"), "mine");
  content["settings"] = 5;
  Put(record, content.dump());
  const ProgramResult typed = RunT3({"generate", "--from", record});
  EXPECT_EQ(typed.exit_code, 1);
  EXPECT_THAT(typed.err, AllOf(HasSubstr("not a record"), Not(HasSubstr("json.exception"))));
}

TEST(Survival, OneFileForTwoPurposesIsRefused) {
  const TemporaryFolder folder;
  fs::copy(ReferencePath("mini2.1"), folder / "model", fs::copy_options::recursive);
  const std::string weights = folder / "model/diffusion_pytorch_model.safetensors";
  const std::string before = ReadBytes(weights);
  const std::string video = folder / "v.mp4";
  fs::create_symlink("v.mp4", folder / "link.mp4");
  for (const Arguments& more :
       {Arguments{"--output", video, "--record", video},
        Arguments{"--output", video, "--preview", folder / "./v.mp4"},
        Arguments{"--output", video, "--record", folder / "link.mp4"},
        Arguments{"--output", weights}, Arguments{"--output", video, "--save-latents", weights},
        Arguments{"--output", video, "--save-latents", video + ".latents.safetensors"},
        Arguments{"--output", video, "--record", video + ".checkpoint.safetensors"},
        Arguments{"--output", folder / "frames/", "--preview", folder / "frames/now.png"}}) {
    Arguments arguments = Generate({"--prompt", "a", "--overwrite"}, folder / "model");
    arguments = With(arguments, more);
    const ProgramResult result = RunT3(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.err;
  }
  EXPECT_EQ(ReadBytes(weights), before);
  EXPECT_FALSE(fs::exists(video));
  EXPECT_EQ(RunT3({"convert", weights, weights}).exit_code, 2);
  EXPECT_EQ(ReadBytes(weights), before);
}

TEST(Survival, LinksAreFollowedAndPipesRefused) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "disk");
  fs::create_symlink("disk/v.mp4", folder / "link.mp4");
  MustRun(Generate({"--prompt", "a", "--output", folder / "link.mp4"}));
  EXPECT_TRUE(fs::is_symlink(folder / "link.mp4"));
  EXPECT_GT(fs::file_size(folder / "disk/v.mp4"), 0u);
  ASSERT_EQ(::mkfifo((folder / "pipe.y4m").c_str(), 0600), 0);
  const ProgramResult result = RunT3(Generate({"--prompt", "a", "--output", folder / "pipe.y4m"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("a pipe"));
  EXPECT_TRUE(fs::is_fifo(folder / "pipe.y4m"));
}

TEST(Survival, ASecondRunOfAnOutputIsRefused) {
  const TemporaryFolder folder;
  const std::string output = folder / "v.mp4";
  const OutputLock lock(output);
  const ProgramResult result = RunT3(Generate({"--prompt", "a", "--output", output}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("is being written by process"));
  EXPECT_FALSE(fs::exists(output));
}

TEST(Survival, LatentsOfAnotherRunStay) {
  const TemporaryFolder folder;
  LeaveLatents(folder / "v.y4m", "first");
  const std::string kept = folder / "v.y4m.latents.safetensors";
  const std::string before = ReadBytes(kept);
  // Refused requests, also those that would start again, cost nothing.
  MustRun(Generate({"--prompt", "x", "--output", folder / "other.safetensors"}));
  for (const Arguments& more :
       {Arguments{"--prompt", "second"},
        Arguments{"--prompt", "first", "--restart", "--noise", folder / "other.safetensors"}}) {
    Arguments arguments = Generate({"--frames", "5", "--output", folder / "v.y4m"});
    arguments = With(arguments, more);
    EXPECT_EQ(RunT3(arguments).exit_code, 1);
    EXPECT_EQ(ReadBytes(kept), before);
  }
  MustRun({"resume", folder / "v.y4m"});
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("other.safetensors", "v.y4m"));
}

TEST(Survival, LongNamesKeepTheirState) {
  const TemporaryFolder folder;
  const std::string output = folder / (std::string(251, 'x') + ".y4m");
  const ProgramResult failed = RunT3(
      Generate({"--frames", "5", "--prompt", "a", "--output", output}), {.file_limit = 12'288});
  ASSERT_EQ(failed.exit_code, 1) << failed.err;
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre(EndsWith(".latents.safetensors")));
  MustRun({"resume", output});
  EXPECT_TRUE(fs::exists(output));
  const ProgramResult longer =
      RunT3(Generate({"--prompt", "a", "--output", folder / (std::string(252, 'x') + ".mp4")}));
  EXPECT_EQ(longer.exit_code, 1);
  EXPECT_THAT(longer.err, HasSubstr("256 bytes"));
}

TEST(Survival, NamesOfAJobAreOneVideoEach) {
  const TemporaryFolder folder;
  const std::string out = folder / "out/";
  Put(folder / "p.json", R"([{"number": 1, "prompt": "a cat"}, {"number": 1, "prompt": "A cat!"},
                             {"number": 1, "prompt": "猫"}])");
  MustRun(Generate({"--prompt-file", folder / "p.json", "--output", out}));
  EXPECT_THAT(NamesIn(out),
              ElementsAre("001-a-cat-2.mp4", "001-a-cat-2.mp4.json", "001-a-cat.mp4",
                          "001-a-cat.mp4.json", "001-猫.mp4", "001-猫.mp4.json", "job.json"));
  // The same command finds all of it finished.
  const ProgramResult again =
      MustRun(Generate({"--prompt-file", folder / "p.json", "--output", out}));
  EXPECT_THAT(again.out, Not(HasSubstr("frames\n")));
  // Other settings are other videos, and get other names.
  MustRun(Generate({"--prompt-file", folder / "p.json", "--seed", "9", "--output", out}));
  EXPECT_THAT(NamesIn(out), AllOf(Contains("001-a-cat-3.mp4"), Contains("001-猫-2.mp4")));
}

TEST(Survival, AFolderKnowsAllOfItsJobs) {
  const TemporaryFolder folder;
  const std::string out = folder / "out/";
  for (const char* prompt : {"猫", "犬"}) {
    MustRun(Generate({"--prompt", prompt, "--seeds", "0,1", "--output", out}));
  }
  Put(folder / "p.txt", "a\n");
  MustRun(Generate({"--prompt-file", folder / "p.txt", "--output", out}));
  const std::vector<std::string> names = NamesIn(out);
  EXPECT_THAT(names,
              AllOf(Contains("猫-seed0.mp4"), Contains("犬-seed1.mp4"), Contains("001-a.mp4")));
  const std::string first = ReadBytes(out + "猫-seed1.mp4");
  for (const char* gone : {"猫-seed1.mp4", "001-a.mp4"}) fs::remove(out + gone);
  MustRun({"resume", out});
  EXPECT_EQ(NamesIn(out), names);
  EXPECT_EQ(ReadBytes(out + "猫-seed1.mp4"), first);
}

TEST(Survival, AJobOfEmbeddingsIsResumed) {
  const TemporaryFolder folder;
  const std::string embeds = folder / "e.safetensors", out = folder / "out/";
  MustRun({"encode-text", "--model", ReferencePath("mini2.1"), "--prompt", "a", "--dtype", "fp32",
           "--device", "cpu", "--output", embeds});
  MustRun(Generate({"--text-embeds", embeds, "--seeds", "0,1", "--output", out}));
  const std::vector<std::string> names = NamesIn(out);
  fs::remove(out + "seed1.mp4");
  MustRun({"resume", out});
  EXPECT_EQ(NamesIn(out), names);
}

TEST(Survival, FinishedVideosOfAJobStayWhenTheModelChanges) {
  const TemporaryFolder folder;
  const std::string model = folder / "model", out = folder / "out/";
  fs::copy(ReferencePath("mini2.1"), model, fs::copy_options::recursive);
  Put(folder / "p.txt", "a\nb\n");
  MustRun(Generate({"--prompt-file", folder / "p.txt", "--output", out}, model));
  const std::string before = ReadBytes(out + "001-a.mp4");
  fs::remove(out + "002-b.mp4");
  const std::string weights = model + "/diffusion_pytorch_model.safetensors";
  MustRun({"convert", weights, folder / "other.safetensors", "--dtype", "bf16"});
  fs::rename(folder / "other.safetensors", weights);
  const ProgramResult result = RunT3({"resume", out});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("001-a.mp4"));
  EXPECT_EQ(ReadBytes(out + "001-a.mp4"), before);
}

TEST(Survival, LatentsOfAJobHaveNamesOfTheirOwn) {
  const TemporaryFolder folder;
  Put(folder / "p.txt", "a\nb\n");
  const Arguments run = Generate({"--prompt-file", folder / "p.txt", "--output", folder / "out/"});
  MustRun(run);
  Arguments more = run;
  more = With(more, {"--save-latents", folder / "latents/"});
  MustRun(more);  // what is finished lacks them
  EXPECT_THAT(NamesIn(folder / "latents"), ElementsAre("001-a.safetensors", "002-b.safetensors"));
}

TEST(Survival, ADamagedRecordIsWrittenAgain) {
  const TemporaryFolder folder;
  Put(folder / "p.txt", "a\n");
  const Arguments run = Generate({"--prompt-file", folder / "p.txt", "--output", folder / "out/"});
  MustRun(run);
  const std::string record = folder / "out/001-a.mp4.json";
  for (const std::string& damage :
       {std::string("x"), std::string(R"({"inputs": 5})"), std::string(100'000, '[')}) {
    Put(record, damage);
    MustRun(run);
    EXPECT_TRUE(json::parse(ReadBytes(record))["settings"].is_object());
  }
}

TEST(Survival, AFolderThatIsNotAJobIsSaidToBeNone) {
  const TemporaryFolder folder;
  const ProgramResult result = RunT3({"resume", folder.path()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("no job.json"));
  Put(folder / "job.json", std::string(250'000, '['));
  const ProgramResult deep = RunT3({"resume", folder.path()});
  EXPECT_EQ(deep.exit_code, 1);
  EXPECT_THAT(deep.err, HasSubstr("nests deeper"));
}

TEST(Survival, ReplacedWeightsLeaveNothingWhenInterrupted) {
  const TemporaryFolder folder;
  const std::string weights = ReferencePath("mini2.1/diffusion_pytorch_model.safetensors");
  const ProgramResult limited =
      RunT3({"convert", weights, folder / "o.safetensors"}, {.file_limit = 1 << 20});
  EXPECT_EQ(limited.exit_code, 1) << limited.err;
  EXPECT_EQ(
      RunT3({"init", "wan2.1-1.3b", "--output", folder / "m"}, {.file_limit = 1 << 20}).exit_code,
      1);
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre());
}

TEST(Survival, PathsNeedNotBeUtf8) {
  const TemporaryFolder folder;
  const std::string strange = folder / "caf\xe9";
  fs::create_directory(strange);
  fs::copy(ReferencePath("mini2.1"), strange + "/model", fs::copy_options::recursive);
  MustRun(
      Generate({"--prompt", "a", "--output", strange + "/v.mp4", "--record", strange + "/r.json"},
               strange + "/model"));
  // Records say which file is meant, exactly, and in UTF-8.
  const json settings = json::parse(ReadBytes(strange + "/r.json"))["settings"];
  EXPECT_EQ(settings["model"], "file://" + (folder / "caf%E9/model"));
  MustRun({"generate", "--from", strange + "/r.json", "--output", folder / "again.mp4"});
  EXPECT_EQ(ReadBytes(folder / "again.mp4"), ReadBytes(strange + "/v.mp4"));
  // A state knows the model and its output.
  const ProgramResult failed =
      RunT3(Generate({"--frames", "5", "--prompt", "a", "--output", strange + "/w.y4m"},
                     strange + "/model"),
            {.file_limit = 12'288});
  ASSERT_EQ(failed.exit_code, 1) << failed.err;
  MustRun({"resume", strange + "/w.y4m.latents.safetensors"});
  EXPECT_TRUE(fs::exists(strange + "/w.y4m"));
  // And a job.
  Put(folder / "p.txt", "a\nb\n");
  MustRun(Generate({"--prompt-file", folder / "p.txt", "--output", strange + "/job/"},
                   strange + "/model"));
  fs::remove(strange + "/job/002-b.mp4");
  MustRun({"resume", strange + "/job/job.json"});
  EXPECT_TRUE(fs::exists(strange + "/job/002-b.mp4"));
}

// The shipped model and a small one with T3 windows of the planner's choice, and one with full
// attention: whatever decides a run, it is decided again when it is repeated.
class SameBytes : public testing::TestWithParam<Arguments> {};

TEST_P(SameBytes, WhenARunIsRepeatedOrResumed) {
  const TemporaryFolder folder;
  const auto run = [&](const Arguments& more, ProgramOptions options = {}) {
    options.folder = ReferencePath("");  // paths are relative the first time
    Arguments arguments{"generate",   "--frames", "5",       "--steps",   "3",
                        "--device",   "cpu",      "--dtype", "fp32",      "--prompt",
                        "a red boat", "--crf",    "0",       "--pix-fmt", "yuv444p10le"};
    arguments = With(arguments, GetParam());
    arguments = With(arguments, more);
    return RunT3(arguments, options);
  };
  const std::string video = folder / "a.mp4", record = folder / "a.json";
  ASSERT_EQ(run({"--output", video, "--record", record}).exit_code, 0);
  const ProgramResult repeated =
      RunT3({"generate", "--from", record, "--output", folder / "b.mp4"});
  EXPECT_EQ(repeated.exit_code, 0) << repeated.err;
  EXPECT_THAT(repeated.err, HasSubstr("the same bytes"));
  EXPECT_EQ(ReadBytes(folder / "b.mp4"), ReadBytes(video));
  // Lossless video is larger than the limit, the latents are not.
  const ProgramResult failed = run({"--output", folder / "c.mp4"}, {.file_limit = 40'000});
  ASSERT_EQ(failed.exit_code, 1) << failed.err;
  MustRun({"resume", folder / "c.mp4"});
  EXPECT_EQ(ReadBytes(folder / "c.mp4"), ReadBytes(video));
}

INSTANTIATE_TEST_SUITE_P(
    Survival, SameBytes,
    testing::Values(
        Arguments{"--model", T3_DEMO_MODEL, "--size", "128x72", "--frames", "9"},
        Arguments{"--model", ReferencePath("mini2.1"), "--attention", "t3", "--size", "120x88"},
        Arguments{"--model", ReferencePath("mini2.1"), "--size", "120x88"},
        Arguments{"--model", ReferencePath("mini2.2"), "--size", "96x64", "--image", "i2v.png"}));

}  // namespace
}  // namespace t3
