// t3 train as a user meets it: interrupted, killed, resumed, and its model used.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "program.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class TrainCli : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(folder_ / "clips");
    for (int i = 0; i < 3; ++i) WriteClip("clip" + std::to_string(i), 3 + 2 * i);
    const ProgramResult prepared =
        RunT3({"prepare", folder_ / "clips", "--model", ReferencePath("mini2.1"), "--output",
               folder_ / "data", "--size", "64x32", "--frames", "5", "--fps", "16", "--device",
               "cpu", "--dtype", "fp32"});  // as the training: auto is bf16 on CPUs that have it
    ASSERT_EQ(prepared.exit_code, 0) << prepared.err;
    config_ = {{"model", ReferencePath("mini2.1")},
               {"output", folder_ / "run"},
               {"steps", 25},
               {"batch_size", 2},
               {"device", "cpu"},
               {"dtype", "fp32"},
               {"data", {{"prepared", folder_ / "data"}}},
               {"attention", {{"pattern", "t3"}}},
               {"optimizer", {{"lr", 1e-3}}},
               {"checkpoint", {{"every_steps", 1}}}};
  }

  // 64x32, 5 frames of stripes that move, and a caption.
  void WriteClip(const std::string& name, int pace) const {
    std::ofstream file(folder_ / ("clips/" + name + ".y4m"), std::ios::binary);
    file << "YUV4MPEG2 W64 H32 F16:1 Ip A1:1 C444\n";
    for (int frame = 0; frame < 5; ++frame) {
      file << "FRAME\n";
      for (int i = 0; i < 3 * 64 * 32; ++i) {
        file.put(static_cast<char>(64 + (i * pace + 9 * frame) % 128));
      }
    }
    std::ofstream(folder_ / ("clips/" + name + ".txt")) << "Stripes at pace " << pace;
  }

  ProgramResult Train(std::vector<std::string> more = {},
                      const ProgramOptions& options = {}) const {
    std::ofstream(folder_ / "train.json") << config_.dump();
    more.insert(more.begin(), {"train", folder_ / "train.json"});
    return RunT3(more, options);
  }

  std::vector<double> Losses(const std::string& output) const {
    std::ifstream log(folder_ / (output + "/log.jsonl"));
    std::vector<double> losses;
    for (std::string line; std::getline(log, line);) losses.push_back(json::parse(line)["loss"]);
    return losses;
  }

  TemporaryFolder folder_;
  json config_;
};

TEST_F(TrainCli, ACacheWithoutRoomIsRefusedBeforeClipsAreRendered) {
  const json sizes{{{"size", "1024x576"}, {"frames", 81}, {"clips", 100'000'000}}};
  const json world{{"world", {{"cache", folder_ / "clips-cache"}, {"sizes", sizes}}}};
  const json small{{"cache", folder_ / "held"}, {"sizes", {{{"size", "64x32"}, {"clips", 2}}}}};
  const auto refused = [&](const std::string& says) {
    for (const std::vector<std::string>& flags :
         {std::vector<std::string>{}, std::vector<std::string>{"--dry-run"}}) {
      const ProgramResult result = Train(flags);
      EXPECT_EQ(result.exit_code, 1) << result.out << result.err;
      EXPECT_THAT(result.err, HasSubstr("the latents of the clips in \"cache\""));
      EXPECT_THAT(result.out + result.err, HasSubstr(says));
      EXPECT_THAT(result.err, testing::Not(HasSubstr("encoding the world")));
    }
  };
  config_["data"] = world;
  config_["validation"] = {{"every_steps", 5}, {"world", small}};
  refused("more in " + (folder_ / "clips-cache"));
  config_["data"] = {{"prepared", folder_ / "data"}};
  config_["validation"] = {{"every_steps", 5}, {"world", world["world"]}};
  refused("more in " + (folder_ / "clips-cache"));
}

TEST_F(TrainCli, SaysWhereItIsPastItsSteps) {
  config_["steps"] = 3;
  ASSERT_EQ(Train().exit_code, 0);
  for (const bool dry_run : {true, false}) {
    std::vector<std::string> flags{"--set", "steps=2"};
    if (dry_run) flags.emplace_back("--dry-run");
    const ProgramResult past = Train(flags);
    EXPECT_EQ(past.exit_code, 1);
    EXPECT_THAT(past.err, HasSubstr("step-3 is of step 3, beyond \"steps\" 2"));
  }
  const ProgramResult done = Train();
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_THAT(done.err, HasSubstr("all of its 3 steps are done"));
}

TEST_F(TrainCli, ResumesWhereSettingsMeanTheSame) {
  config_["steps"] = 1;
  config_.erase("attention");
  ASSERT_EQ(Train().exit_code, 0);
  config_.merge_patch({{"task", "dit"},
                       {"schedule", {{"decay", "constant"}}},
                       {"timesteps", {{"shift", 5.0}, {"max", 1000}}},
                       {"optimizer", {{"beta2", 0.999}}},
                       {"attention", {{"pattern", "full"}}},
                       {"buckets", {{{"size", "64x32"}, {"frames", 5}}}}});
  const ProgramResult same = Train({"--set", "steps=2"});
  EXPECT_EQ(same.exit_code, 0) << same.err;
  EXPECT_EQ(Losses("run").size(), 2U);
  const ProgramResult other = Train({"--set", "steps=3", "--set", "timesteps.shift=4"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.err,
              HasSubstr("belongs to another run: config/timesteps/shift was 5.0, now 4;"));
}

TEST_F(TrainCli, ABaseThatChangedAnywhereIsRefused) {
  const std::string base = folder_ / "base";
  fs::copy(ReferencePath("mini2.1"), base, fs::copy_options::recursive);
  config_.merge_patch({{"model", base}, {"steps", 1}});
  ASSERT_EQ(Train().exit_code, 0);
  const std::string file = base + "/diffusion_pytorch_model.safetensors";
  std::string bytes = ReadBytes(file);
  bytes.back() ^= 1;
  std::ofstream(file, std::ios::binary) << bytes;
  for (const bool dry_run : {true, false}) {
    std::vector<std::string> flags{"--set", "steps=2"};
    if (dry_run) flags.emplace_back("--dry-run");
    const ProgramResult result = Train(flags);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("belongs to another run: model/weights/denoiser was"));
  }
}

TEST_F(TrainCli, SaysWhereABaseOrATeacherIsDistilled) {
  config_.merge_patch({{"task", "distill"}, {"output", folder_ / "student"}, {"steps", 1}});
  const ProgramResult usual = Train();
  ASSERT_EQ(usual.exit_code, 0) << usual.err;
  EXPECT_THAT(usual.err, testing::Not(HasSubstr("is distilled")));
  config_.merge_patch({{"model", folder_ / "student"}, {"output", folder_ / "again"}});
  EXPECT_THAT(Train({"--dry-run"}).err, HasSubstr("the teacher " + (folder_ / "student")));
  config_["teacher"] = {{"model", ReferencePath("mini2.1")}};
  EXPECT_THAT(Train({"--dry-run"}).err, testing::Not(HasSubstr("is distilled")));
  config_.erase("teacher");
  config_["task"] = "dit";
  const ProgramResult undone = Train({"--dry-run"});
  EXPECT_EQ(undone.exit_code, 0);
  EXPECT_THAT(undone.err, HasSubstr("the task dit undoes that"));
}

TEST_F(TrainCli, SeveralProcessesHaveTheLossesOfOne) {
  config_["steps"] = 4;
  const auto losses_of = [&](const std::string& output, std::vector<std::string> flags) {
    flags.insert(flags.end(), {"--set", "output=" + (folder_ / output)});
    const ProgramResult result = Train(flags);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Losses(output);
  };
  for (const int64_t accumulation : {2, 1}) {  // the ranks take batches; they share their tokens
    config_["accumulation"] = accumulation;
    const std::string number = std::to_string(accumulation);
    const std::vector<double> wanted = losses_of("one" + number, {});
    const std::vector<double> losses = losses_of("two" + number, {"--gpus", "2"});
    ASSERT_EQ(losses.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i)
      EXPECT_NEAR(losses[i], wanted[i], 1e-5 * wanted[i]) << i;
  }
  const ProgramResult three = Train({"--set", "output=" + (folder_ / "three"), "--gpus", "3"});
  EXPECT_EQ(three.exit_code, 2) << three.err;
  EXPECT_THAT(three.err, HasSubstr("\"accumulation\" 1 gives 3 ranks"));
}

TEST_F(TrainCli, SeveralProcessesShareTheRenderingOfClips) {
  const auto world = [&](const std::string& cache) {
    return json{{"cache", folder_ / cache},
                {"seed", 3},
                {"sizes",
                 {{{"size", "32x16"}, {"frames", 5}, {"clips", 7}, {"together", 2}},
                  {{"size", "48x32"}, {"frames", 1}, {"clips", 2}, {"batch", 1}}}}};
  };
  config_["steps"] = 3;
  config_["accumulation"] = 2;
  config_["validation"] = {{"every_steps", 3}, {"clips", 2}, {"world", world("held")}};
  config_["validation"]["world"]["seed"] = 9;
  const auto losses_of = [&](const std::string& output, const std::string& cache,
                             std::vector<std::string> flags) {
    config_["data"] = {{"world", world(cache)}};
    flags.insert(flags.end(), {"--set", "output=" + (folder_ / output)});
    const ProgramResult result = Train(flags);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Losses(output);
  };
  const std::vector<double> wanted = losses_of("one", "alone", {});
  ASSERT_EQ(wanted.size(), 3U);
  for (const std::string output : {"rendered", "cached"}) {
    const std::vector<double> losses = losses_of(output, "shared", {"--gpus", "2"});
    ASSERT_EQ(losses.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i)
      EXPECT_NEAR(losses[i], wanted[i], 1e-5 * wanted[i]) << i;
  }
  for (const char* const file : {"/32x16x5-seed-3.safetensors", "/48x32x1-seed-3.safetensors"})
    EXPECT_EQ(ReadBytes(folder_ / ("shared" + std::string(file))),
              ReadBytes(folder_ / ("alone" + std::string(file))));
}

TEST_F(TrainCli, AFileInPlaceOfAFolderIsNamed) {
  const auto expect_named = [&] {
    for (const std::vector<std::string>& more : {std::vector<std::string>{"--dry-run"}, {}}) {
      const ProgramResult result = Train(more);
      EXPECT_EQ(result.exit_code, 1) << result.err;
      EXPECT_THAT(result.err, HasSubstr((folder_ / "file") + " is not a folder"));
      EXPECT_FALSE(fs::exists(folder_ / "run"));
    }
  };
  const json size{{"size", "64x32"}, {"frames", 5}, {"clips", 2}};
  const auto world = [&](const std::string& cache) {
    return json{{"cache", folder_ / cache}, {"sizes", {size}}};
  };
  std::ofstream(folder_ / "file") << "x";
  config_["data"] = {{"prepared", folder_ / "file"}};
  expect_named();
  config_["data"] = {{"world", world("cache")}};
  config_["validation"] = {{"every_steps", 2}, {"clips", 2}, {"world", world("file/held")}};
  expect_named();
}

TEST_F(TrainCli, ADryRunReportsEachOfSeveralGpus) {
  const auto memory = [](const ProgramResult& plan) {
    const size_t begin = plan.out.find("memory ");
    return plan.out.substr(begin, plan.out.find('\n', begin) - begin);
  };
  const ProgramResult one = Train({"--dry-run"}), two = Train({"--dry-run", "--gpus", "2"});
  EXPECT_THAT(two.out, HasSubstr("ranks     2 share the tokens of each clip")) << two.err;
  EXPECT_THAT(memory(two), HasSubstr("on each"));
  EXPECT_NE(memory(one), memory(two));
  const ProgramResult batches = Train({"--dry-run", "--gpus", "4", "--set", "accumulation=2"});
  EXPECT_THAT(batches.out, HasSubstr("4: 2 groups take batches")) << batches.err;
  EXPECT_EQ(Train({"--dry-run", "--gpus", "3"}).exit_code, 2);
}

TEST_F(TrainCli, KilledAtAnyMomentItResumesBitForBit) {
  ASSERT_EQ(Train({"--set", "output=" + (folder_ / "straight")}).exit_code, 0);
  int killed = 0;
  for (const double seconds : {0.4, 0.55, 0.7, 0.85, 1.0, 1.3, 1.7}) {
    const ProgramResult result = Train({}, {.seconds_to_interrupt = seconds, .signal = SIGKILL});
    killed += result.exit_code == 128 + SIGKILL;
  }
  EXPECT_GE(killed, 1);
  const ProgramResult last = Train();
  EXPECT_EQ(last.exit_code, 0) << last.err;
  EXPECT_EQ(Losses("run").size(), 25U);
  EXPECT_EQ(Losses("run"), Losses("straight"));
}

// Student, critic, their optimizers and the gates' reference come back; then the model needs no
// flag to be sampled as it was trained.
TEST_F(TrainCli, AKilledDistillationResumesBitForBitAndGenerateFollowsItsSampling) {
  config_["task"] = "distill";
  config_["steps"] = 6;
  config_["sampling"] = {{"timesteps", {1000, 800, 500}}};
  config_["teacher"] = {{"guidance", 3}};
  config_["critic"] = {{"updates", 1}};
  config_["gates"] = {{"every_steps", 2}, {"batches", 1}, {"teacher_steps", 3}};
  ASSERT_EQ(Train({"--set", "output=" + (folder_ / "straight")}).exit_code, 0);
  int killed = 0;
  for (const double seconds : {0.6, 0.9, 1.2, 1.6}) {
    const ProgramResult result = Train({}, {.seconds_to_interrupt = seconds, .signal = SIGKILL});
    killed += result.exit_code == 128 + SIGKILL;
  }
  EXPECT_GE(killed, 1);
  const ProgramResult last = Train();
  EXPECT_EQ(last.exit_code, 0) << last.err;
  EXPECT_EQ(Losses("run").size(), 6U);
  EXPECT_EQ(Losses("run"), Losses("straight"));
  EXPECT_EQ(ReadBytes(folder_ / "run/best/gates.json"),
            ReadBytes(folder_ / "straight/best/gates.json"));
  const ProgramResult made =
      RunT3({"generate", "--model", folder_ / "run/best", "--prompt", "Stripes", "--size", "64x32",
             "--frames", "5", "--device", "cpu", "--output", folder_ / "a.safetensors"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.err, HasSubstr("timesteps 1000,800,500, guidance 1 (from the file's metadata)"));
}

TEST_F(TrainCli, AFullDiskLeavesTheLastCheckpointOfADistillation) {
  config_["task"] = "distill";
  config_["steps"] = 1;
  config_["critic"] = {{"updates", 1}};
  ASSERT_EQ(Train().exit_code, 0);
  const ProgramResult full = Train({"--set", "steps=3"}, {.file_limit = 100'000});
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.err, HasSubstr("the checkpoint of step 1 stays"));
  EXPECT_EQ(Train({"--set", "steps=3"}).exit_code, 0);
  EXPECT_EQ(Losses("run").size(), 3U);
}

TEST_F(TrainCli, AnInterruptSavesAndSaysHowToResume) {
  config_["steps"] = 100'000;
  const ProgramResult result = Train({}, {.seconds_to_interrupt = 2});
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the same command resumes"));
  const size_t done = Losses("run").size();
  ASSERT_GT(done, 0U);
  const ProgramResult rest = Train({"--set", "steps=" + std::to_string(done + 2)});
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(Losses("run").size(), done + 2);
}

TEST_F(TrainCli, ADryRunReportsRefusesAndWritesNothing) {
  const ProgramResult plan = Train({"--dry-run"});
  ASSERT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("training  all weights of the denoiser"));
  EXPECT_THAT(plan.out, HasSubstr("64x32, 5 frames, batch of 2, 16 tokens per clip, 3 clips"));
  EXPECT_FALSE(fs::exists(folder_ / "run"));
  const ProgramResult run = Train({"--set", "steps=2"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("training  all weights of the denoiser"));
  const ProgramResult other = Train({"--dry-run", "--set", "seed=7"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.err, HasSubstr("config/seed was absent, now 7"));
}

TEST_F(TrainCli, AnOutputThatCannotBeWrittenIsRefusedByADryRunToo) {
  std::ofstream(folder_ / "file") << "x";
  for (const char* output : {"file", "file/run"}) {
    for (const std::vector<std::string>& more :
         {std::vector<std::string>{"--dry-run"}, std::vector<std::string>{}}) {
      std::vector<std::string> arguments = more;
      arguments = With(arguments, {"--set", "output=" + (folder_ / output)});
      const ProgramResult result = Train(arguments);
      EXPECT_EQ(result.exit_code, 1);
      EXPECT_THAT(result.err, HasSubstr("is not a folder"));
    }
  }
  // Refused for another reason: the output's folder goes again.
  EXPECT_EQ(Train({"--set", "output=" + (folder_ / "new/run"), "--set", "data.prepared=nowhere"})
                .exit_code,
            1);
  EXPECT_FALSE(fs::exists(folder_ / "new"));
}

TEST_F(TrainCli, AModelThatNoTrainingMadeStays) {
  config_["steps"] = 1;
  fs::create_directory(folder_ / "run");
  const std::string weights = folder_ / "run/diffusion_pytorch_model.safetensors";
  std::ofstream(weights) << "mine";
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"--dry-run"}, std::vector<std::string>{}}) {
    const ProgramResult refused = Train(more);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, HasSubstr("--overwrite"));
  }
  EXPECT_EQ(ReadBytes(weights), "mine");
  ASSERT_EQ(Train({"--overwrite"}).exit_code, 0);
  EXPECT_NE(ReadBytes(weights), "mine");
  EXPECT_EQ(Train({"--set", "steps=2"}).exit_code, 0);  // its own
}

TEST_F(TrainCli, ResumeSaysWhatContinuesATraining) {
  config_["steps"] = 1;
  ASSERT_EQ(Train().exit_code, 0);
  const ProgramResult result = RunT3({"resume", folder_ / "run"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("`t3 train CONFIG.json`"));
}

TEST_F(TrainCli, ItsModelGenerates) {
  config_["steps"] = 2;
  config_["samples"] = {
      {"every_steps", 2}, {"prompts", {"A cat"}}, {"size", "64x64"}, {"frames", 5}, {"steps", 2}};
  const ProgramResult trained = Train();
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("2 steps"));
  const ProgramResult result =
      RunT3({"generate", "--model", folder_ / "run", "--prompt", "A cat", "--size", "64x64",
             "--frames", "5", "--steps", "2", "--device", "cpu", "--output", folder_ / "x.y4m"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_GT(fs::file_size(folder_ / "run/samples/step-2/0.mp4"), 0U);
}

TEST_F(TrainCli, MakesItsDatasetOfVideos) {
  config_["steps"] = 3;
  ASSERT_EQ(Train({"--set", "output=" + (folder_ / "from-prepared")}).exit_code, 0);
  const json videos{{"source", folder_ / "clips"}, {"size", "64x32"}, {"frames", 5}, {"fps", 16}};
  config_["data"] = {{"prepared", folder_ / "made"}, {"videos", videos}};
  std::ofstream(folder_ / "clips/uncaptioned.y4m") << "YUV4MPEG2";
  const ProgramResult first = Train();
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("rejected: uncaptioned.y4m"));
  EXPECT_THAT(first.err, HasSubstr("3 clips, 3 of them new"));
  EXPECT_EQ(Losses("run"), Losses("from-prepared"));
  const ProgramResult again = Train({"--set", "steps=4"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("3 clips, 0 of them new"));
  config_["data"]["videos"].erase("source");
  EXPECT_THAT(Train().err, HasSubstr("videos needs \"source\""));
  config_["data"]["videos"]["sources"] = "x";
  EXPECT_THAT(Train().err, HasSubstr("did you mean \"source\"?"));
}

TEST_F(TrainCli, MakesClipsAndDraftsOfVideosForARefiner) {
  config_.merge_patch({{"task", "distill"},
                       {"objective", "refine"},
                       {"steps", 2},
                       {"sampling", {{"timesteps", {700, 400, 200}}}}});
  EXPECT_THAT(Train().err, HasSubstr("run `t3 prepare` with --draft WIDTHxHEIGHT"));
  const ProgramResult planned = Train({"--dry-run"});
  EXPECT_THAT(planned.err, HasSubstr("with --draft WIDTHxHEIGHT"));
  const json videos{
      {"source", folder_ / "clips"}, {"size", "64x32"}, {"frames", 5}, {"draft", "32x16"}};
  config_["data"] = {{"prepared", folder_ / "made"}, {"videos", videos}};
  const ProgramResult trained = Train();
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(Losses("run").size(), 2u);
  const json index = json::parse(ReadBytes(folder_ / "made/dataset.json"));
  EXPECT_EQ(index["clips"][0]["draft"]["width"], 32);
  EXPECT_EQ(index["settings"]["draft"]["height"], 16);
  config_["data"]["videos"]["draft"] = "64x64";
  EXPECT_THAT(Train().err, HasSubstr("larger than the clips of 64x32"));
}

TEST_F(TrainCli, WritesATraceOfSomeSteps) {
  config_["steps"] = 14;
  config_["profile"] = folder_ / "trace.json";
  const ProgramResult result = Train();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json trace = json::parse(ReadBytes(folder_ / "trace.json"));
  const auto holds = [&](const std::string& name) {
    const json& events = trace.at("traceEvents");
    return std::any_of(events.begin(), events.end(),
                       [&](const json& event) { return event.value("name", "") == name; });
  };
  EXPECT_TRUE(holds("aten::addmm"));
  EXPECT_TRUE(holds("aten::_fused_adamw_"));
}

TEST_F(TrainCli, WrongInputIsNamed) {
  const auto error = [&](const std::string& assignment) {
    const ProgramResult result = Train({"--set", assignment});
    EXPECT_EQ(result.exit_code, 1) << assignment;
    return result.err;
  };
  EXPECT_THAT(error("stepps=3"), HasSubstr("did you mean \"steps\"?"));
  EXPECT_THAT(error("output=" + ReferencePath("mini2.1")),
              HasSubstr("is the folder of the denoiser of \"model\"; set another one"));
  EXPECT_THAT(error("data.prepared=/no/such/folder"), HasSubstr("/no/such/folder"));
  EXPECT_THAT(error("data.folder=x"), HasSubstr("\"folder\" is not a field"));
  EXPECT_THAT(error("buckets=[{\"size\":\"128x64\",\"frames\":5}]"), HasSubstr("it has 64x32x5"));
  EXPECT_THAT(error("lora.targets=[\"qq\"]"), HasSubstr("called \"qq\""));
  EXPECT_EQ(Train({"--set", "steps"}).exit_code, 2);
  EXPECT_THAT(error("model=" + ReferencePath("mini2.2")), HasSubstr("another VAE"));
  EXPECT_THAT(error("model=null"), HasSubstr("wanted a text, the model's folder"));
  EXPECT_THAT(error("attention={\"windows\":\"1,1,1\"}"),
              HasSubstr("needs a \"pattern\" beside it"));
}

TEST_F(TrainCli, WrongVideosAreNamedByTheirFields) {
  const auto error = [&](const json& videos, const std::string& prepared) {
    config_["data"] = {{"prepared", prepared}, {"videos", videos}};
    const ProgramResult result = Train({"--dry-run"});
    EXPECT_EQ(result.exit_code, 1) << result.out;
    return result.err;
  };
  json videos{{"source", folder_ / "clips"}, {"size", "65x32"}, {"frames", 5}};
  EXPECT_THAT(error(videos, folder_ / "made"), HasSubstr("data: videos: \"size\" 65x32"));
  videos["size"] = "64x32";
  videos["fps"] = 0;
  EXPECT_THAT(error(videos, folder_ / "made"), HasSubstr("\"fps\" 0: wanted a number above 0"));
  videos["fps"] = 16;
  EXPECT_THAT(error(videos, folder_ / "run"), HasSubstr("is \"output\" too"));
}

TEST_F(TrainCli, TheTeachersFolderIsNotWrittenInto) {
  config_["task"] = "distill";
  config_["teacher"] = {{"model", folder_ / "teacher"}};
  fs::copy(ReferencePath("mini2.1"), folder_ / "teacher", fs::copy_options::recursive);
  config_["output"] = folder_ / "teacher";
  for (const std::vector<std::string>& more : {std::vector<std::string>{"--dry-run"}, {}}) {
    const ProgramResult result = Train(more);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err,
                HasSubstr("is the folder of the denoiser of \"teacher\"; set another one"));
  }
}

TEST_F(TrainCli, ABatchThatCannotFitIsRefusedBeforeItIsMade) {
  config_["data"] = {
      {"world",
       {{"sizes", {{{"size", "128x64"}, {"frames", 5}, {"clips", 4}, {"batch", 1'000'000}}}}}}};
  for (const std::vector<std::string>& more : {std::vector<std::string>{"--dry-run"}, {}}) {
    const ProgramResult result = Train(more);
    EXPECT_EQ(result.exit_code, 1) << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr("for the activations of its largest batch"));
    EXPECT_THAT(result.err, HasSubstr("\"accumulation\""));
    EXPECT_THAT(result.err, testing::Not(HasSubstr("encoding the world")));
  }
}

// The last entry may be of an earlier step.
TEST_F(TrainCli, ALostLogGivesNoLastLoss) {
  config_["steps"] = 2;
  EXPECT_THAT(Train().out, HasSubstr("last loss"));
  fs::remove(folder_ / "run/log.jsonl");
  const ProgramResult again = Train();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, testing::AllOf(HasSubstr("2 steps"), testing::Not(HasSubstr("loss"))));
}

}  // namespace
}  // namespace t3
