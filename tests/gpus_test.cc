// Runs of several processes: launched, refused, cancelled, killed and resumed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "program.h"
#include "small_lora.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Arguments = std::vector<std::string>;

// The fp32 values of a tensor of a safetensors file.
std::vector<float> Values(const std::string& path, const std::string& name) {
  const std::string bytes = ReadBytes(path);
  if (bytes.size() < 8) return {};
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  const auto header = nlohmann::json::parse(bytes.substr(8, length));
  const auto offsets = header.at(name).at("data_offsets");
  const size_t begin = offsets[0], end = offsets[1];
  std::vector<float> values((end - begin) / sizeof(float));
  std::memcpy(values.data(), bytes.data() + 8 + length + begin, end - begin);
  return values;
}

// The largest difference over the largest value; infinite where sizes differ.
double Distance(const std::vector<float>& got, const std::vector<float>& want) {
  if (got.size() != want.size() || want.empty()) return INFINITY;
  float difference = 0, largest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    difference = std::max(difference, std::abs(got[i] - want[i]));
    largest = std::max(largest, std::abs(want[i]));
  }
  return std::isnan(difference) ? INFINITY : difference / largest;
}

constexpr double kRounding = 1e-6;

// Latents of a small clip, with more arguments.
std::vector<float> Latents(const TemporaryFolder& folder, const std::string& name,
                           const Arguments& more) {
  const std::string output = folder / (name + ".safetensors");
  const ProgramResult result = RunT3(Small(
      With({"--prompt", "A cat", "--frames", "5", "--guidance", "5", "--output", output}, more)));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return Values(output, "latents");
}

TEST(Gpus, ProcessesMakeTheClipOfOne) {
  const TemporaryFolder folder;
  const std::vector<float> one = Latents(folder, "one", {});
  EXPECT_LT(Distance(Latents(folder, "two", {"--gpus", "2"}), one), kRounding);
  EXPECT_LT(Distance(Latents(folder, "four", {"--gpus", "4"}), one), kRounding);
  const Arguments image{"--model", ReferencePath("mini2.2"), "--image", ReferencePath("i2v.png")};
  EXPECT_LT(Distance(Latents(folder, "images", With(image, {"--gpus", "2"})),
                     Latents(folder, "image", image)),
            kRounding);
}

TEST(Gpus, DecodeAndRefineAsOneProcessDoes) {
  const TemporaryFolder folder;
  const std::string latents = folder / "latents.safetensors", clip = folder / "clip.y4m";
  ASSERT_EQ(RunT3(Small({"--prompt", "A cat", "--frames", "9", "--output", latents})).exit_code, 0);
  const auto decode = [&](const std::string& output, const Arguments& more) {
    const ProgramResult result = RunT3(With({"decode", latents, "--model", ReferencePath("mini2.1"),
                                             "--device", "cpu", "--output", output},
                                            more));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.err, Not(HasSubstr("rank 1:")));
  };
  decode(folder / "one.safetensors", {});
  decode(folder / "two.safetensors", {"--gpus", "2"});
  EXPECT_LT(Distance(Values(folder / "two.safetensors", "video"),
                     Values(folder / "one.safetensors", "video")),
            kRounding);
  decode(clip, {});
  const Arguments refine{"--video", clip, "--strength", "0.5", "--frames", "9"};
  EXPECT_LT(Distance(Latents(folder, "refined2", With(refine, {"--gpus", "2"})),
                     Latents(folder, "refined1", refine)),
            kRounding);
}

TEST(Gpus, HaveTheLorasOfEachStage) {
  const TemporaryFolder folder;
  fs::copy(ReferencePath("mini2.1"), folder / "model", fs::copy_options::recursive);
  WriteLora(folder / "model/few.safetensors", 0.5F, kFewSteps);
  WriteLora(folder / "model/refine.safetensors", -0.7F, kRefinerSteps);
  std::ofstream(folder / "model/t3.json")
      << R"({"lora": "few.safetensors", "refiner_lora": "refine.safetensors"})";
  const auto latents = [&](const std::string& name, const Arguments& more) {
    const std::string output = folder / (name + ".safetensors");
    const ProgramResult result =
        RunT3(With({"generate", "--model", folder / "model", "--prompt", "A cat", "--frames", "5",
                    "--size", "64x64", "--draft", "32x32", "--device", "cpu", "--output", output},
                   more));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Values(output, "latents");
  };
  const std::vector<float> one = latents("one", {});
  EXPECT_LT(Distance(latents("two", {"--gpus", "2"}), one), kRounding);
  EXPECT_GT(
      Distance(latents("base", {"--lora", "none", "--steps", "2", "--draft-steps", "2"}), one),
      kRounding);
}

TEST(Gpus, TakeTheRanksOfALauncher) {
  const TemporaryFolder folder;
  const std::vector<float> one = Latents(folder, "one", {});
  const auto rank = [&](const std::string& number) {
    ProgramOptions options;
    options.environment = {"SLURM_PROCID=" + number, "SLURM_STEP_NUM_TASKS=2",
                           "SLURM_LOCALID=" + number,
                           "MASTER_PORT=" + std::to_string(20000 + ::getpid() % 20000)};
    return RunT3(Small({"--prompt", "A cat", "--frames", "5", "--guidance", "5", "--output",
                        folder / "two.safetensors"}),
                 options);
  };
  ProgramResult other;
  std::thread second([&] { other = rank("1"); });
  const ProgramResult first = rank("0");
  second.join();
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(other.exit_code, 0) << other.err;
  EXPECT_EQ(other.out, "");  // rank 0 says it
  EXPECT_LT(Distance(Values(folder / "two.safetensors", "latents"), one), kRounding);
}

TEST(Gpus, RefuseBeforeLoading) {
  const TemporaryFolder folder;
  const auto refused = [&](const Arguments& more) {
    const ProgramResult result =
        RunT3(Small(With({"--prompt", "A cat", "--output", folder / "a.safetensors"}, more)));
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, Not(HasSubstr("loading")));
    return result.err;
  };
  EXPECT_THAT(refused({"--gpus", "3"}),
              AllOf(HasSubstr("--gpus 3"), HasSubstr("4 heads"), HasSubstr("1, 2, 4, 8")));
  EXPECT_THAT(refused({"--gpus", "0"}), HasSubstr("wanted 1 to 64"));
  EXPECT_TRUE(NamesIn(folder.path()).empty());
}

TEST(Gpus, PlanNamesTheSplits) {
  const ProgramResult plan =
      RunT3({"plan", "--preset", "wan2.1-1.3b-t3", "--gpus", "4", "--guidance", "5"});
  EXPECT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("takes 2 branches of guidance x 2 parts of the tokens"));
  EXPECT_THAT(plan.out, HasSubstr("or 4 parts of the tokens"));
}

// The process whose command line and environment, '\0' after each word, `fits`; 0 where there is
// none.
pid_t FindProcess(
    const std::function<bool(const std::string& words, const std::string& environment)>& fits) {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (fits(ReadBytes(entry.path() / "cmdline"), ReadBytes(entry.path() / "environ")))
      return std::stoi(name);
  }
  return 0;
}

// The process of the run that writes `output` which is rank `rank`; 0 where there is none. Rank 0,
// which the user starts, has no such variable.
pid_t FindRank(const std::string& output, const std::string& rank) {
  const std::string any = std::string(1, '\0') + "RANK=";
  const std::string wanted = any + rank + std::string(1, '\0');
  return FindProcess([&](const std::string& words, const std::string& environment) {
    const bool found = ('\0' + environment).find(rank == "0" ? any : wanted) != std::string::npos;
    return words.find(output) != std::string::npos && found != (rank == "0");
  });
}

// The process of part 2 of a job that writes `output`; 0 where there is none.
pid_t FindSecondPart(const std::string& output) {
  const std::string shard = std::string("--shard") + '\0' + "2/2" + '\0';
  return FindProcess([&](const std::string& words, const std::string&) {
    return words.find(shard) != std::string::npos && words.find(output) != std::string::npos;
  });
}

// A run of two processes that is long enough to be disturbed.
class DisturbedRun : public testing::Test {
 protected:
  Arguments Run(const Arguments& more) const {
    return Small(With({"--prompt", "A cat", "--frames", "9", "--size", "64x64", "--steps", "150",
                       "--guidance", "5", "--checkpoint-every", "1", "--output", output_},
                      more));
  }
  // Whether there is a checkpoint, which is larger than the mark that the run has begun.
  bool HasStep() const {
    for (const std::string& name : NamesIn(folder_.path())) {
      std::error_code gone;
      const auto bytes = fs::file_size(folder_ / name, gone);
      const bool whole = name.find(".tmp-") == std::string::npos;  // not one that is being written
      if (!gone && whole && bytes > 12'000) return true;
    }
    return false;
  }
  // Of the run, once it has a checkpoint; else 0.
  pid_t RankWithStep(const std::string& rank) const {
    return HasStep() ? FindRank(output_, rank) : 0;
  }
  void ExpectResumes(const Arguments& more) {
    const ProgramResult resumed = RunT3(With({"resume", output_, "--device", "cpu"}, more));
    ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
    EXPECT_THAT(resumed.err, HasSubstr("resuming after step"));
    const std::string alone = folder_ / "alone.safetensors";
    Arguments again = Run({});
    std::replace(again.begin(), again.end(), output_, alone);
    ASSERT_EQ(RunT3(again).exit_code, 0);
    EXPECT_LT(Distance(Values(output_, "latents"), Values(alone, "latents")), 1e-5);
  }

  TemporaryFolder folder_;
  std::string output_ = folder_ / "clip.safetensors";
};

// Sends `signal` to the process of the run that `find` finds, once it does. The run's result, and
// the seconds from the signal to its end.
std::pair<ProgramResult, double> Disturb(const Arguments& run, int signal,
                                         const std::function<pid_t()>& find) {
  ProgramResult result;
  std::thread thread([&] { result = RunT3(run); });
  bool sent = false;
  for (int i = 0; i < 3000 && !sent; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const pid_t process = find();
    sent = process != 0 && ::kill(process, signal) == 0;
  }
  EXPECT_TRUE(sent);
  const auto begin = std::chrono::steady_clock::now();
  thread.join();
  return {result, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()};
}

TEST_F(DisturbedRun, ContinuesAfterARankWasKilled) {
  const auto [result, seconds] =
      Disturb(Run({"--gpus", "2"}), SIGKILL, [this] { return RankWithStep("1"); });
  EXPECT_LT(seconds, 30);
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("rank 1 was killed by signal 9"), HasSubstr("is saved")));
  ExpectResumes({"--gpus", "2"});
}

TEST_F(DisturbedRun, ContinuesOnOneProcessAfterRankZeroWasKilled) {
  const auto [result, seconds] =
      Disturb(Run({"--gpus", "2"}), SIGKILL, [this] { return RankWithStep("0"); });
  EXPECT_EQ(result.exit_code, 128 + SIGKILL) << result.err;
  for (int i = 0; i < 100 && FindRank(output_, "1") != 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(FindRank(output_, "1"), 0);  // it ends with rank 0
  ExpectResumes({});
}

TEST_F(DisturbedRun, IsCancelledAndContinues) {
  const auto [result, seconds] =
      Disturb(Run({"--gpus", "2"}), SIGINT, [this] { return RankWithStep("0"); });
  ASSERT_EQ(result.exit_code, 130) << result.err;
  EXPECT_THAT(result.err, Not(HasSubstr("rank 1:")));
  ExpectResumes({"--gpus", "2"});
}

TEST(SharedTraining, SaysHowToContinueAfterARankWasKilled) {
  const TemporaryFolder folder;
  const std::string output = folder / "run";
  std::ofstream(folder / "train.json") << nlohmann::json{
      {"model", ReferencePath("mini2.1")},
      {"output", output},
      {"steps", 100'000},
      {"accumulation", 2},
      {"device", "cpu"},
      {"dtype", "fp32"},
      {"data",
       {{"world", {{"sizes", {{{"size", "32x32"}, {"frames", 5}, {"clips", 4}, {"batch", 1}}}}}}}},
      {"checkpoint", {{"every_steps", 10}}}};
  const Arguments run{"train", folder / "train.json", "--gpus", "2", "--set", "output=" + output};
  const auto [result, seconds] = Disturb(run, SIGKILL, [&] {
    std::error_code missing;
    const fs::directory_iterator checkpoints(output + "/checkpoints", missing);
    const bool any = std::any_of(begin(checkpoints), end(checkpoints), [](const auto& entry) {
      return entry.path().filename().string().starts_with("step-");
    });
    return any ? FindRank(output, "1") : 0;
  });
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("rank 1 was killed by signal 9"),
                                HasSubstr("The same command continues from the checkpoint of step"),
                                HasSubstr("also on another number of GPUs")));
  const ProgramResult again = RunT3(With(run, {"--dry-run", "--gpus", "1"}));
  EXPECT_THAT(again.err, HasSubstr("would resume from"));
}

// A clip of 4 heads without guidance is not for three processes.
TEST(DividedJob, LeavesProcessesIdleThatCannotShareAVideo) {
  const TemporaryFolder folder;
  std::ofstream(folder / "p.txt") << "a\n";
  const Arguments job = Small({"--prompt-file", folder / "p.txt", "--frames", "5", "--guidance",
                               "1", "--gpus", "3", "--output", folder / "out/"});
  const ProgramResult made = RunT3(job);
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.err, HasSubstr("2 of 3 GPUs work: 1 video of this model"));
  fs::remove(folder / "out/001-a.mp4");
  const ProgramResult resumed = RunT3({"resume", folder / "out", "--device", "cpu", "--gpus", "3"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_TRUE(fs::exists(folder / "out/001-a.mp4"));
}

TEST(DividedJob, ContinuesEveryJobOfAFolder) {
  const TemporaryFolder folder;
  for (const std::string prompt : {"a", "b"}) {
    std::ofstream(folder / "p.txt") << prompt << "\n";
    const ProgramResult made = RunT3(
        Small({"--prompt-file", folder / "p.txt", "--frames", "5", "--output", folder / "out/"}));
    ASSERT_EQ(made.exit_code, 0) << made.err;
    fs::remove(folder / "out/001-" + prompt + ".mp4");
  }
  const ProgramResult resumed = RunT3({"resume", folder / "out", "--device", "cpu", "--gpus", "2"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_TRUE(fs::exists(folder / "out/001-a.mp4") && fs::exists(folder / "out/001-b.mp4"));
}

TEST(DividedJob, ShowsThePartThatIsWaitedFor) {
  const TemporaryFolder folder;
  std::ofstream(folder / "p.json")
      << R"([{"prompt": "a"}, {"prompt": "b", "steps": 60, "size": "64x64", "frames": 9}])";
  const ProgramResult result =
      RunT3(Small({"--prompt-file", folder / "p.json", "--gpus", "2", "--preview-every", "3",
                   "--progress", "plain", "--output", folder / "out/"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  // Once, though the part says it before and after its video.
  EXPECT_THAT(result.err, HasSubstr("part 2: note: --preview-every has no effect"));
  EXPECT_THAT(result.err, Not(HasSubstr("`preview-every`")));
  EXPECT_THAT(result.err, AllOf(HasSubstr("part 2 of 2: denoising"),
                                HasSubstr("part 2:   denoising: "), Not(HasSubstr("\"event\""))));
}

TEST(DividedJob, SaysWhichPartWasKilledAndContinues) {
  const TemporaryFolder folder;
  const std::string output = folder / "out/";
  std::ofstream(folder / "p.txt") << "a\nb\n";
  const Arguments run =
      Small({"--prompt-file", folder / "p.txt", "--frames", "9", "--size", "64x64", "--steps", "40",
             "--guidance", "5", "--gpus", "2", "--output", output});
  const auto [result, seconds] = Disturb(run, SIGKILL, [&] { return FindSecondPart(output); });
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("part 2 was killed by signal 9"),
                                HasSubstr("the same command makes what is missing")));
  EXPECT_EQ(RunT3(run).exit_code, 0);
  EXPECT_TRUE(fs::exists(output + "001-a.mp4") && fs::exists(output + "002-b.mp4"));
}

}  // namespace
}  // namespace t3
