// --shard: several processes make one job, with the names, seeds and bytes of a single process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "program.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using testing::SizeIs;

using Arguments = std::vector<std::string>;

void Put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// One job of `prompts` in `out`, with more flags.
Arguments Job(const std::string& prompts, const std::string& out, const Arguments& more = {}) {
  Arguments arguments =
      Small({"--steps", "1", "--guidance", "1", "--prompt-file", prompts, "--output", out});
  arguments = With(arguments, more);
  return arguments;
}

ProgramResult MustRun(const Arguments& arguments) {
  ProgramResult result = RunT3(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result;
}

json PromptsOf(const std::string& folder) {
  return json::parse(ReadBytes(folder + "job.json"))["prompts"];
}

TEST(Shard, VideosAreThoseOfTheWholeJob) {
  const TemporaryFolder folder;
  const std::string whole = folder / "whole/", parts = folder / "parts/";
  // Equal names, of which the later ones get numbers, are in different shards.
  Put(folder / "p.json", R"([{"number": 1, "prompt": "a cat"}, {"number": 1, "prompt": "A cat!"},
                             {"number": 1, "prompt": "a cat", "seed": 3}, "a dog"])");
  MustRun(Job(folder / "p.json", whole));
  const ProgramResult second = MustRun(Job(folder / "p.json", parts, {"--shard", "2/2"}));
  EXPECT_THAT(second.err, HasSubstr("shard 2/2: 2 of 4 videos"));
  EXPECT_THAT(NamesIn(parts), SizeIs(5));
  MustRun(Job(folder / "p.json", parts, {"--shard", "1/2"}));
  ASSERT_EQ(NamesIn(parts), NamesIn(whole));
  EXPECT_EQ(PromptsOf(parts), PromptsOf(whole));
  for (const std::string& name : NamesIn(whole)) {
    if (!name.ends_with(".mp4")) continue;  // records have times
    EXPECT_EQ(ReadBytes(parts + name), ReadBytes(whole + name)) << name;
  }
  // Without --shard the same job has nothing left to do.
  EXPECT_THAT(MustRun(Job(folder / "p.json", parts)).out, Not(HasSubstr("frame\n")));
}

TEST(Shard, SeveralGpusMakePartsOfAJob) {
  const TemporaryFolder folder;
  const std::string whole = folder / "whole/", parts = folder / "parts/";
  Put(folder / "p.txt", "a\nb\nc\nd\n");
  MustRun(Job(folder / "p.txt", whole));
  const ProgramResult two = MustRun(Job(folder / "p.txt", parts, {"--gpus", "2"}));
  EXPECT_THAT(two.err, AllOf(HasSubstr("shard 1/2: 2 of 4 videos"),
                             HasSubstr("part 2: note: shard 2/2: 2 of 4 videos")));
  for (const char* name : {"001-a", "002-b", "003-c", "004-d"})
    EXPECT_THAT(two.out, HasSubstr(name)) << two.out;
  ASSERT_EQ(NamesIn(parts), NamesIn(whole));
  EXPECT_EQ(PromptsOf(parts), PromptsOf(whole));
  const auto expect_same = [&] {
    for (const std::string& name : NamesIn(whole)) {
      if (!name.ends_with(".mp4")) continue;
      EXPECT_EQ(ReadBytes(parts + name), ReadBytes(whole + name));
    }
  };
  expect_same();
  for (const char* name : {"001-a.mp4", "002-b.mp4"}) {
    fs::remove(parts + name);
    fs::remove(parts + name + ".json");
  }
  EXPECT_THAT(MustRun({"resume", parts, "--device", "cpu", "--gpus", "2"}).err,
              HasSubstr("part 2: "));
  expect_same();
}

// In a folder and beside a named file, whose videos are not a job that t3 resume continues.
TEST(Shard, SeveralGpusMakeTheSeedsOfOnePrompt) {
  const TemporaryFolder folder;
  for (const char* output : {"out/", "v.mp4"}) {
    const auto run = [&](const std::string& place, const Arguments& more) {
      fs::create_directory(folder / place);
      Arguments arguments = Small({"--steps", "1", "--guidance", "1", "--prompt", "a", "--seeds",
                                   "4,7", "--output", folder / (place + "/" + output)});
      return MustRun(With(arguments, more));
    };
    run("whole", {});
    const ProgramResult two = run("parts", {"--gpus", "2"});
    EXPECT_THAT(two.err, AllOf(HasSubstr("shard 1/2: 1 of 2 videos"),
                               HasSubstr("part 2: note: shard 2/2: 1 of 2 videos")));
    run("shards", {"--shard", "2/2"});
    run("shards", {"--shard", "1/2"});
    const std::string in = fs::path(output).has_filename() ? "" : output;
    const std::vector<std::string> names = NamesIn(folder / ("whole/" + in));
    ASSERT_EQ(NamesIn(folder / ("parts/" + in)), names);
    ASSERT_EQ(NamesIn(folder / ("shards/" + in)), names);
    for (const std::string& name : names) {
      if (!name.ends_with(".mp4")) continue;
      const std::string bytes = ReadBytes(folder / ("whole/" + in + name));
      EXPECT_EQ(ReadBytes(folder / ("parts/" + in + name)), bytes) << name;
      EXPECT_EQ(ReadBytes(folder / ("shards/" + in + name)), bytes) << name;
    }
  }
}

TEST(Shard, APartThatFailsIsTheCommandsFailure) {
  const TemporaryFolder folder;
  const std::string out = folder / "out/";
  Put(folder / "p.json", R"(["a", {"prompt": "b", "image": "missing.png"}, "c", "d"])");
  const ProgramResult result = RunT3(Job(folder / "p.json", out, {"--gpus", "2"}));
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("part 2: "), HasSubstr("missing.png")));
  EXPECT_THAT(result.out, AllOf(HasSubstr("a.mp4"), HasSubstr("c.mp4"), HasSubstr("d.mp4")));
}

TEST(Shard, ProcessesShareOneFolder) {
  const TemporaryFolder folder;
  const std::string out = folder / "out/";
  Put(folder / "p.txt", "a\nb\nc\nd\ne\nf\ng\n");
  std::vector<ProgramResult> results(4);
  std::vector<std::thread> processes;
  for (size_t i = 0; i < results.size(); ++i) {
    processes.emplace_back([&, i] {
      results[i] = RunT3(
          Job(folder / "p.txt", out, {"--seed", "-1", "--shard", std::to_string(i + 1) + "/4"}));
    });
  }
  for (std::thread& process : processes) process.join();
  for (const ProgramResult& result : results) EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(NamesIn(out), SizeIs(15));
  // The seeds that one of them drew are those of all.
  for (const json& entry : PromptsOf(out)) {
    ASSERT_THAT(entry["drawn"], SizeIs(1));
    const std::string seed = entry["drawn"][0];
    const json record = json::parse(ReadBytes(out + std::string(entry["outputs"][seed]) + ".json"));
    EXPECT_EQ(std::to_string(record["settings"]["seed"].get<uint64_t>()), seed);
  }
  EXPECT_THAT(MustRun({"resume", out}).out, Not(HasSubstr("frame\n")));
}

TEST(Shard, ResumeTakesAPartOrEverything) {
  const TemporaryFolder folder;
  const std::string out = folder / "out/";
  Put(folder / "p.txt", "a\nb\nc\n");
  MustRun(Job(folder / "p.txt", out, {"--seeds", "0,1", "--shard", "3/3"}));
  // Each seed is an entry of its own: a0, a1, b0; b1, c0, c1.
  EXPECT_THAT(NamesIn(out), AllOf(SizeIs(5), IsSupersetOf({"002-b-seed0.mp4", "003-c-seed1.mp4"})));
  fs::remove(out + "003-c-seed1.mp4");
  fs::remove(folder / "p.txt");
  const ProgramResult part = MustRun({"resume", out, "--shard", "1/3"});
  EXPECT_THAT(part.err, HasSubstr("shard 1/3: 2 of 6 videos"));
  EXPECT_THAT(NamesIn(out),
              AllOf(IsSupersetOf({"001-a-seed0.mp4", "002-b-seed1.mp4"}),
                    Not(Contains("001-a-seed1.mp4")), Not(Contains("003-c-seed1.mp4"))));
  MustRun({"resume", out});
  EXPECT_THAT(NamesIn(out), SizeIs(13));
}

TEST(Shard, AShardWithoutEntriesIsDone) {
  const TemporaryFolder folder;
  Put(folder / "p.txt", "a\nb\n");
  const ProgramResult result = MustRun(Job(folder / "p.txt", folder / "out/", {"--shard", "3/3"}));
  EXPECT_THAT(result.err, HasSubstr("shard 3/3: 0 of 2 videos"));
  EXPECT_THAT(NamesIn(folder / "out"), ElementsAre("job.json"));
}

TEST(Shard, AShardThatFailsLeavesTheJobToTheOthers) {
  const TemporaryFolder folder;
  const std::string out = folder / "out/";
  Put(folder / "p.json", R"(["a", {"prompt": "b", "size": "7x7"}])");
  const ProgramResult good = MustRun(Job(folder / "p.json", out, {"--shard", "1/2"}));
  EXPECT_THAT(good.err, Not(HasSubstr("7x7")));  // the other shard's to report
  const ProgramResult bad = RunT3(Job(folder / "p.json", out, {"--shard", "2/2"}));
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.err, HasSubstr("p.json:2"));
  EXPECT_THAT(NamesIn(out), ElementsAre("001-a.mp4", "001-a.mp4.json", "job.json"));
}

TEST(Shard, BadUseIsRefused) {
  const TemporaryFolder folder;
  const std::string out = folder / "out/";
  Put(folder / "p.txt", "a\n");
  const auto error_of = [&](const Arguments& arguments) {
    const ProgramResult result = RunT3(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    return result.err;
  };
  for (const char* shard : {"0/2", "3/2", "2", ""}) {
    EXPECT_THAT(error_of(Job(folder / "p.txt", out, {"--shard", shard})), HasSubstr("--shard"));
  }
  EXPECT_THAT(error_of(Small({"--prompt", "a", "--shard", "1/2", "--output", out})),
              HasSubstr("--prompt-file or of several --seeds"));
  for (const char* replaces : {"--restart", "--overwrite"}) {
    EXPECT_THAT(error_of(Job(folder / "p.txt", out, {"--shard", "1/2", "--seed", "-1", replaces})),
                HasSubstr("--shard"));
  }
  EXPECT_THAT(error_of({"resume", folder / "v.mp4", "--shard", "1/2"}), HasSubstr("job.json"));
  EXPECT_THAT(error_of({"resume", folder / "v.mp4", "--shard", "x"}), HasSubstr("job.json"));
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("p.txt"));
}

}  // namespace
}  // namespace t3
