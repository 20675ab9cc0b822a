// The loop: resuming, refusing, stopping, and what it never loses. On a task of one small matrix;
// dit_task_test.cc and vae_task_test.cc resume the real ones.
#include "training/loop/trainer.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "base/check.h"
#include "base/free_space.h"
#include "base/seconds_since.h"
#include "training/loop/step_random.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Learns the mean of random matrices.
class MatrixTask : public Task {
 public:
  explicit MatrixTask(int64_t size = 8)
      : leaves_{{"w", at::zeros({size, size}).requires_grad_()}} {}

  const TensorMap& leaves() const override { return leaves_; }
  MicroBatchResult ForwardBackward(int64_t step, int64_t micro, double scale) override {
    if (step == fails_at) throw std::bad_alloc();
    const at::Tensor& w = leaves_.at("w");
    at::Tensor target = StepRandom(1, step, micro).Normal(Draw::kNoise, w.sizes(), at::kCPU) + 1;
    if (step == poisoned) target[0][0] = NAN;
    const at::Tensor loss = (w - target).square().mean();
    (loss * scale).backward();
    return {loss.detach(), {fmt::format("clip-{}-{}", step, micro)}};
  }
  void SaveModel(const TensorMap& weights, const std::string& folder) const override {
    if (cannot_save) Fail("cannot write {}/model: no space left", folder);
    std::ofstream(folder + "/model") << weights.at("w").sum().item<double>();
  }
  nlohmann::json Identity() const override { return identity; }
  bool MayDiverge() const override { return doubtful.contains(done_); }
  void AfterStep(int64_t step) override { done_ = step + 1; }

  nlohmann::json identity{{"denoiser", "a matrix"}};
  int64_t poisoned = -1;  // step whose loss is NaN
  int64_t fails_at = -1;  // step that throws
  bool cannot_save = false;
  std::set<int64_t> doubtful;  // numbers of steps after which it may have diverged

 private:
  int64_t done_ = 0;
  TensorMap leaves_;
};

TrainConfig ConfigOf(const std::string& output, nlohmann::json more = {}) {
  nlohmann::json document{
      {"output", output}, {"steps", 6}, {"seed", 5}, {"optimizer", {{"lr", 1e-2}}}};
  if (!more.is_null()) document.update(more, /*merge_objects=*/true);
  JsonFields fields(document, "test.json");
  fs::create_directories(output);
  return TakeTrainConfig(fields, document);
}

const ProgressFn kSilent;
const nlohmann::json kNothing = nlohmann::json::object();

RunContext ContextOf(const ProgressFn& progress = kSilent, const CancelToken* cancel = nullptr) {
  return {progress, cancel, at::kCPU};
}

struct Finished {
  at::Tensor weights;
  std::vector<LogEntry> log;
};

Finished RunTo(const TrainConfig& config) {
  MatrixTask task;
  const RunContext context = ContextOf();
  Trainer trainer(config, task, context);
  trainer.Run();
  return {trainer.weights().at("w").clone(), trainer.log()};
}

std::string ErrorOf(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no error";
}

std::vector<std::string> StepsIn(const std::string& output) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(output + "/checkpoints")) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The first step of AdamW moves every weight by the rate, whatever the gradient's size.
TEST(Trainer, AStepTakesTheMeanOfItsMicroBatchesAtTheConfiguredRate) {
  const test::Folder folder;
  const TrainConfig config = ConfigOf(folder.Path("x"), {{"steps", 1}, {"accumulation", 2}});
  const Finished one = RunTo(config);
  MatrixTask task;
  const double first = task.ForwardBackward(0, 0, 0.5).loss.item<double>();
  const double second = task.ForwardBackward(0, 1, 0.5).loss.item<double>();
  const LogEntry& entry = one.log.at(0);
  EXPECT_NEAR(entry.loss, (first + second) / 2, 1e-6);
  EXPECT_NEAR(entry.gradient_norm, task.leaves().at("w").grad().norm().item<double>(), 1e-6);
  EXPECT_EQ(entry.lr, LearningRate(config.optimizer, config.schedule, 0, 1));
  ASSERT_GT(entry.lr, 0);
  EXPECT_NEAR(one.weights.abs().max().item<double>(), entry.lr, 1e-3 * entry.lr);
}

TEST(Trainer, ResumesBitForBit) {
  for (const nlohmann::json& optimizer :
       {nlohmann::json{{"clip", 0.1}}, nlohmann::json{{"matrices", "muon"}}}) {
    const test::Folder folder;
    nlohmann::json more{{"accumulation", 2}, {"ema", 0.9}, {"optimizer", optimizer}};
    const Finished straight = RunTo(ConfigOf(folder.Path("straight"), more));
    more["steps"] = 3;
    RunTo(ConfigOf(folder.Path("resumed"), more));
    more["steps"] = 6;
    const Finished resumed = RunTo(ConfigOf(folder.Path("resumed"), more));
    ASSERT_EQ(resumed.log.size(), 6U);
    for (size_t i = 0; i < 6; ++i) {
      EXPECT_EQ(resumed.log[i].step, static_cast<int64_t>(i) + 1);
      EXPECT_EQ(resumed.log[i].loss, straight.log[i].loss);
      EXPECT_EQ(resumed.log[i].gradient_norm, straight.log[i].gradient_norm);
    }
    EXPECT_TRUE(resumed.weights.equal(straight.weights));
  }
}

TEST(Trainer, KeepsTheNewestCheckpointsAndSkipsDamagedOnes) {
  const test::Folder folder;
  const nlohmann::json fields{{"checkpoint", {{"every_steps", 1}, {"keep", 2}}}};
  const std::string output = folder.Path("run");
  const Finished first = RunTo(ConfigOf(output, fields));
  EXPECT_THAT(StepsIn(output), ElementsAre("step-5", "step-6"));
  // What kill -9 leaves: a file cut short, and a folder under its temporary name.
  fs::resize_file(output + "/checkpoints/step-6/state.safetensors", 100);
  fs::create_directories(output + "/checkpoints/.step-7.tmp");
  MatrixTask task;
  const TrainConfig config = ConfigOf(output, fields);
  const RunContext context = ContextOf();
  Trainer trainer(config, task, context);
  EXPECT_EQ(trainer.step(), 5);
  trainer.Run();
  EXPECT_THAT(StepsIn(output), ElementsAre("step-5", "step-6"));
  EXPECT_EQ(trainer.log().back().loss, first.log.back().loss);
}

// The damaged one is the newest by number for a while; what this run writes must stay.
TEST(Trainer, DamagedCheckpointsAloneDoNotBeginAgain) {
  const test::Folder folder;
  const std::string output = folder.Path("run");
  const TrainConfig config = ConfigOf(output, {{"checkpoint", {{"every_steps", 1}, {"keep", 2}}}});
  RunTo(config);
  const auto damage = [&](const char* step) {
    std::ofstream(output + "/checkpoints/" + step + "/state.safetensors") << "damaged";
  };
  damage("step-6");
  EXPECT_EQ(RunTo(config).log.size(), 6u) << "from step 5";
  damage("step-5");
  damage("step-6");
  EXPECT_THAT(ErrorOf([&] { RunTo(config); }), HasSubstr("no checkpoint in"));
  EXPECT_THAT(StepsIn(output), ElementsAre("step-5", "step-6"));
  fs::remove_all(output + "/checkpoints");
  EXPECT_EQ(RunTo(config).log.size(), 6u);
}

int64_t ResumedStep(const TrainConfig& config, MatrixTask task = MatrixTask()) {
  const RunContext context = ContextOf();
  return Trainer(config, task, context).step();
}

// Such a file is as long as it should be, and its header is whole.
TEST(Trainer, ACheckpointWhoseTensorsChangedIsSkipped) {
  const test::Folder folder;
  const std::string output = folder.Path("run");
  const TrainConfig config = ConfigOf(output, {{"checkpoint", {{"every_steps", 1}, {"keep", 3}}}});
  RunTo(config);
  const auto tensors = [&](int step) {
    return fmt::format("{}/checkpoints/step-{}/state.safetensors", output, step);
  };
  EXPECT_EQ(ResumedStep(config), 6);
  std::fstream file(tensors(6), std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(-1, std::ios::end);
  const char last = static_cast<char>(file.get());
  file.seekp(-1, std::ios::end);
  file.put(static_cast<char>(last ^ 1));
  file.close();
  EXPECT_EQ(ResumedStep(config), 5);
  fs::copy_file(tensors(4), tensors(5), fs::copy_options::overwrite_existing);
  EXPECT_EQ(ResumedStep(config), 4) << "the tensors are those of step 4";
}

TEST(Trainer, ACheckpointOfAnEarlierVersionResumes) {
  const test::Folder folder;
  const TrainConfig config = ConfigOf(folder.Path("run"));
  RunTo(config);
  nlohmann::json state = nlohmann::json::parse(folder.Read("run/checkpoints/step-6/state.json"));
  ASSERT_EQ(state.erase("version"), 1U);
  ASSERT_EQ(state.erase("digest"), 1U);
  MatrixTask task;
  task.identity["weights"]["denoiser"] = "all of it";
  EXPECT_THAT(ErrorOf([&] { ResumedStep(config, task); }),
              HasSubstr("model/weights was absent, now {\"denoiser\":\"all of it\"}"));
  folder.Add("run/checkpoints/step-6/state.json", state.dump());
  testing::internal::CaptureStdout();
  EXPECT_EQ(ResumedStep(config, task), 6) << "it could not have the field";
  EXPECT_THAT(testing::internal::GetCapturedStdout(),
              HasSubstr("an earlier version, which did not record model/weights"));
  task.identity["denoiser"] = "another";
  EXPECT_THAT(ErrorOf([&] { ResumedStep(config, task); }), HasSubstr("model/denoiser was"));
  task.identity["denoiser"] = "a matrix";
  const TrainConfig longer = ConfigOf(folder.Path("run"), {{"steps", 7}});
  const RunContext context = ContextOf();
  Trainer(longer, task, context).Run();
  EXPECT_EQ(ResumedStep(longer, task), 7);
  task.identity["weights"]["denoiser"] = "changed";
  EXPECT_THAT(ErrorOf([&] { ResumedStep(longer, task); }),
              HasSubstr("model/weights/denoiser was \"all of it\", now \"changed\""));
}

TEST(Trainer, ADamagedOlderCheckpointDoesNotCountAsKept) {
  const test::Folder folder;
  const std::string output = folder.Path("run");
  RunTo(ConfigOf(output, {{"checkpoint", {{"every_steps", 1}, {"keep", 3}}}}));
  fs::remove(output + "/checkpoints/step-5/state.json");
  RunTo(ConfigOf(output, {{"steps", 7}, {"checkpoint", {{"every_steps", 1}, {"keep", 3}}}}));
  EXPECT_THAT(StepsIn(output), ElementsAre("step-4", "step-5", "step-6", "step-7"));
}

TEST(Trainer, RefusesTheCheckpointOfAnotherRunByName) {
  const test::Folder folder;
  const std::string output = folder.Path("run");
  RunTo(ConfigOf(output, {{"steps", 1}}));
  const auto message = [&](const nlohmann::json& more) {
    return ErrorOf([&] { RunTo(ConfigOf(output, more)); });
  };
  EXPECT_THAT(message({{"seed", 6}}), HasSubstr("config/seed was 5, now 6"));
  EXPECT_THAT(message({{"optimizer", {{"lr", 1e-4}}}}), HasSubstr("config/optimizer/lr"));
  EXPECT_THAT(message({{"lora", {{"rank", 2}}}}), HasSubstr("config/lora was absent"));
  EXPECT_EQ(message({{"steps", 2}}), "no error");
  MatrixTask other(4);
  const TrainConfig config = ConfigOf(output);
  const RunContext context = ContextOf();
  EXPECT_THAT(ErrorOf([&] { Trainer(config, other, context); }),
              HasSubstr("shape (8, 8), wanted (4, 4)"));
}

TEST(Trainer, StopsAtALossThatIsNotFiniteAndSaysWhichBatch) {
  const test::Folder folder;
  const TrainConfig config =
      ConfigOf(folder.Path("run"), {{"accumulation", 2}, {"checkpoint", {{"every_steps", 2}}}});
  MatrixTask task;
  task.poisoned = 3;
  const RunContext context = ContextOf();
  Trainer trainer(config, task, context);
  const std::string message = ErrorOf([&] { trainer.Run(); });
  EXPECT_THAT(message, HasSubstr("step 4: the loss is not finite"));
  EXPECT_THAT(message, HasSubstr("clip-3-0, clip-3-1"));
  EXPECT_THAT(message, HasSubstr("checkpoint of step 2"));
  EXPECT_THAT(StepsIn(config.output), ElementsAre("step-2"));
}

TEST(Trainer, AnyOtherFailureSavesTheLastStep) {
  const test::Folder folder;
  const TrainConfig config = ConfigOf(folder.Path("run"));
  MatrixTask task;
  task.fails_at = 3;
  const RunContext context = ContextOf();
  Trainer trainer(config, task, context);
  EXPECT_EQ(ErrorOf([&] { trainer.Run(); }), std::bad_alloc().what());
  EXPECT_THAT(StepsIn(config.output), ElementsAre("step-3"));
}

TEST(Trainer, ACancelSavesTheStepInProgress) {
  const test::Folder folder;
  const TrainConfig config = ConfigOf(folder.Path("run"));
  CancelToken cancel;
  const ProgressFn progress = [&](const ProgressEvent& event) {
    if (event.done == 2) cancel.Cancel();
  };
  const RunContext context = ContextOf(progress, &cancel);
  MatrixTask task;
  Trainer trainer(config, task, context);
  EXPECT_THAT(ErrorOf([&] { trainer.Run(); }), HasSubstr("step 2 of 6 is saved"));
  EXPECT_THAT(StepsIn(config.output), ElementsAre("step-2"));
}

struct SampleCall {
  int64_t step;
  bool missing_only;
  bool operator==(const SampleCall&) const = default;
};

// Hooks whose samples are "there" once a call of them returns.
class FakeSamples {
 public:
  TrainHooks Hooks() {
    TrainHooks hooks;
    hooks.sample_every = 2;
    hooks.samples_missing = [this](int64_t step) { return !there_.contains(step); };
    hooks.sample = [this](int64_t step, bool missing_only) {
      calls.push_back({step, missing_only});
      if (during) during();
      there_.insert(step);
    };
    return hooks;
  }
  std::vector<SampleCall> calls;
  std::function<void()> during;

 private:
  std::set<int64_t> there_;
};

TEST(Trainer, AFailedSampleIsAWarning) {
  const std::function<void()> failures[] = {[] { Fail("no disk"); }, [] { throw std::bad_alloc(); },
                                            [] { fs::create_directory("/proc/no"); },
                                            [] { at::zeros({2}).add(at::zeros({3})); }};
  for (const auto& failure : failures) {
    const test::Folder folder;
    const TrainConfig config = ConfigOf(folder.Path("run"));
    FakeSamples samples;
    samples.during = failure;
    MatrixTask task;
    const RunContext context = ContextOf();
    Trainer trainer(config, task, context, samples.Hooks());
    trainer.Run();
    EXPECT_EQ(trainer.step(), 6);
    EXPECT_THAT(samples.calls,
                ElementsAre(SampleCall{2, false}, SampleCall{4, false}, SampleCall{6, false}));
  }
}

TEST(Trainer, SamplesThatAnInterruptCutShortComeWhenTheRunResumes) {
  const test::Folder folder;
  const TrainConfig config = ConfigOf(folder.Path("run"));
  CancelToken cancel;
  FakeSamples samples;
  samples.during = [&] {
    cancel.Cancel();
    throw Error("interrupted", ErrorKind::kInterrupted);
  };
  const RunContext context = ContextOf(kSilent, &cancel);
  MatrixTask task;
  Trainer trainer(config, task, context, samples.Hooks());
  EXPECT_THAT(ErrorOf([&] { trainer.Run(); }), HasSubstr("step 2 of 6 is saved"));
  EXPECT_THAT(StepsIn(config.output), ElementsAre("step-2"));
  samples.during = {};
  MatrixTask again;
  const RunContext go_on = ContextOf();
  Trainer(config, again, go_on, samples.Hooks()).Run();
  EXPECT_THAT(samples.calls, ElementsAre(SampleCall{2, false}, SampleCall{2, true},
                                         SampleCall{4, false}, SampleCall{6, false}));
}

TEST(Trainer, LogsAValidationLossOfTheWeightsThatAreSaved) {
  const test::Folder folder;
  const TrainConfig config = ConfigOf(folder.Path("run"), {{"ema", 0.5}});
  TrainHooks hooks;
  hooks.validate_every = 3;
  hooks.validate = [](const TensorMap& weights) { return weights.at("w").sum().item<double>(); };
  MatrixTask task;
  const RunContext context = ContextOf();
  Trainer trainer(config, task, context, hooks);
  trainer.Run();
  EXPECT_FALSE(trainer.log()[1].validation_loss);
  EXPECT_TRUE(trainer.log()[2].validation_loss);
  EXPECT_EQ(trainer.log()[5].validation_loss, trainer.weights().at("w").sum().item<double>());
  hooks.validate = [](const TensorMap&) -> double { throw std::bad_alloc(); };
  const TrainConfig second = ConfigOf(folder.Path("second"));
  MatrixTask other;
  Trainer(second, other, context, hooks).Run();  // a warning
}

TEST(Trainer, StopsAfterItsSeconds) {
  const test::Folder folder;
  const nlohmann::json more{{"stop_after_seconds", 1e-9}};
  EXPECT_EQ(RunTo(ConfigOf(folder.Path("x"), more)).log.size(), 1U);
  EXPECT_EQ(RunTo(ConfigOf(folder.Path("x"), more)).log.size(), 2U);
}

// What a call still has to do counts: without steps that take longer, samples that do not fit are
// left to the next call, and the time of a gate that comes next is kept free.
TEST(Trainer, EndsBeforeItsSecondsHavePassed) {
  const test::Folder folder;
  const auto sleep = [](double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  };
  TrainHooks hooks;
  hooks.gate_every = 3;
  hooks.gate = [&](const TensorMap&) {
    sleep(0.6);
    return GateResult{};
  };
  MatrixTask task;
  const RunContext context = ContextOf();
  const TrainConfig config = ConfigOf(folder.Path("x"), {{"stop_after_seconds", 1}});
  Trainer trainer(config, task, context, hooks);
  trainer.Run();
  EXPECT_EQ(trainer.step(), 2);
  EXPECT_LT(SecondsSince(config.started), 1);
  EXPECT_TRUE(fs::exists(config.output + "/timing.json"));
}

// Counts its steps in what it keeps beside its weights, which is ahead of them in the middle of
// one.
class CountingTask : public MatrixTask {
 public:
  void BeforeStep(int64_t step) override {
    steps_ += 1;
    T3_CHECK(step != stops_at, "the second network diverges");
  }
  StepValues Values() const override { return {{"second_loss", steps_.item<double>()}}; }
  TensorMap State() const override { return {{"steps", steps_}}; }
  void Restore(const TensorMap& state, int64_t steps) override {
    steps_.copy_(GetTensor(state, "steps"));
    EXPECT_EQ(steps_.item<double>(), static_cast<double>(steps));
  }
  int64_t stops_at = -1;

 private:
  at::Tensor steps_ = at::zeros({}, at::kDouble);
};

TEST(Trainer, KeepsWhatATaskHasBesideItsWeights) {
  const test::Folder folder;
  const RunContext context = ContextOf();
  const auto steps_to = [&](int64_t steps, int64_t stops_at) {
    CountingTask task;
    task.stops_at = stops_at;
    const TrainConfig config =
        ConfigOf(folder.Path("x"), {{"steps", steps}, {"checkpoint", {{"every_seconds", 0}}}});
    Trainer trainer(config, task, context);
    trainer.Run();
    return trainer.log();
  };
  EXPECT_EQ(steps_to(2, -1).back().values.at("second_loss"), 2);
  // In the middle of step 5 the state is not that of step 4: the checkpoint of step 2 stays.
  EXPECT_THAT(ErrorOf([&] { steps_to(6, 4); }),
              testing::AllOf(HasSubstr("step 5: the second network diverges"),
                             HasSubstr("The checkpoint of step 2 is the last one")));
  EXPECT_THAT(StepsIn(folder.Path("x")), ElementsAre("step-2"));
  const std::vector<LogEntry> log = steps_to(6, -1);
  EXPECT_EQ(log.size(), 6U);
  EXPECT_EQ(log.back().values.at("second_loss"), 6);
  MatrixTask other;
  EXPECT_THAT(ErrorOf([&] { Trainer(ConfigOf(folder.Path("x")), other, context).Run(); }),
              HasSubstr("holds a tensor steps that this task does not have"));
}

TEST(Trainer, KeepsTheModelThatItsGatesChoose) {
  const test::Folder folder;
  const RunContext context = ContextOf();
  const auto run_to = [&](int64_t steps, std::vector<double> scores) {
    MatrixTask task;
    const TrainConfig config = ConfigOf(folder.Path("x"), {{"steps", steps}});
    TrainHooks hooks;
    hooks.gate_every = 1;
    size_t next = 0;
    hooks.gate = [&](const TensorMap&) {
      const double score = scores.at(next++);
      if (score < 0) throw std::bad_alloc();
      return GateResult{{{"gate_color", 2 * score}}, score};
    };
    Trainer trainer(config, task, context, hooks);
    trainer.Run();
    return trainer.log();
  };
  const auto best = [&] {
    std::ifstream file(folder.Path("x") + "/best/gates.json");
    return nlohmann::json::parse(file);
  };
  const auto log = run_to(3, {0.1, 5, 3, 4});  // the first one before the first step
  EXPECT_EQ(log[1].values.at("gate_score"), 3);
  EXPECT_EQ(log[1].values.at("gate_color"), 6);
  EXPECT_EQ(best()["step"], 2);
  EXPECT_TRUE(fs::exists(folder.Path("x") + "/best/model"));
  run_to(5, {3.5, -1});  // a gate that fails is a warning
  EXPECT_EQ(best()["step"], 2);
  run_to(6, {2});
  EXPECT_EQ(best()["step"], 6);
  EXPECT_EQ(best()["score"], 2);
}

TEST(Trainer, SaysWhereNothingIsLeftToTrain) {
  const test::Folder folder;
  RunTo(ConfigOf(folder.Path("x"), {{"steps", 6}}));
  const auto said = [&](int64_t steps) {
    testing::internal::CaptureStdout();
    RunTo(ConfigOf(folder.Path("x"), {{"steps", steps}}));
    return testing::internal::GetCapturedStdout();
  };
  EXPECT_THAT(said(6), HasSubstr("all of its 6 steps are done; the model is written again"));
  EXPECT_THAT(said(7), testing::Not(HasSubstr("are done")));
}

TEST(Trainer, RefusesACheckpointBeyondItsSteps) {
  const test::Folder folder;
  RunTo(ConfigOf(folder.Path("x"), {{"steps", 6}}));
  folder.Add("x/model", "of step 6");
  EXPECT_THAT(ErrorOf([&] {
                RunTo(ConfigOf(folder.Path("x"), {{"steps", 4}}));
              }),
              AllOf(HasSubstr("step-6 is of step 6, beyond \"steps\" 4"),
                    HasSubstr("\"steps\" 6 writes its model again")));
  EXPECT_EQ(folder.Read("x/model"), "of step 6");
}

TEST(Trainer, AModelThatCannotBeWrittenIsMadeByTheSameCommand) {
  const test::Folder folder;
  const TrainConfig config = ConfigOf(folder.Path("x"));
  const RunContext context = ContextOf();
  MatrixTask task;
  task.cannot_save = true;
  EXPECT_THAT(ErrorOf([&] { Trainer(config, task, context).Run(); }),
              testing::AllOf(HasSubstr("the model of step 6 could not be written"),
                             HasSubstr("the same command writes the model")));
  RunTo(config);
  EXPECT_TRUE(fs::exists(folder.Path("x") + "/model"));
}

// A limit on the size of files stands for the full disk.
TEST(Trainer, ACheckpointThatTheDiskHasNoRoomForIsNotBegun) {
  const test::Folder folder;
  const CheckpointFolder checkpoints(folder.Path("run"), 2);
  checkpoints.Prepare();
  EXPECT_EQ(checkpoints.ContinuationText(),
            "There is no checkpoint yet, and the same command begins again");
  checkpoints.Write(3, {{"a", at::zeros({4})}}, kNothing, kNothing);
  const at::Tensor large = at::zeros({1}).expand({int64_t{1} << 50});  // in the memory of one
  try {
    checkpoints.Write(4, {{"a", large}}, kNothing, kNothing);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("step 4: it takes"),
                                             testing::HasSubstr("the checkpoint of step 3 stays")));
  }
  EXPECT_EQ(checkpoints.Steps(), std::vector<int64_t>{3});
  EXPECT_THAT(checkpoints.ContinuationText(), testing::HasSubstr("the checkpoint of step 3"));
}

TEST(CheckpointFolder, OldCheckpointsStayWhereTheyWouldNotMakeRoom) {
  const test::Folder folder;
  const CheckpointFolder all(folder.Path("run"), 3), two(folder.Path("run"), 2);
  all.Prepare();
  for (const int64_t step : {1, 2, 3}) all.Write(step, {{"a", at::zeros({4})}}, kNothing, kNothing);
  const at::Tensor large = at::zeros({1}).expand({int64_t{1} << 50});
  EXPECT_THROW(two.Write(4, {{"a", large}}, kNothing, kNothing), Error);
  EXPECT_EQ(two.Steps(), (std::vector<int64_t>{3, 2, 1}));
}

TEST(CheckpointFolder, AFileInPlaceOfTheFolderIsNamedInWords) {
  const test::Folder folder;
  std::ofstream(folder.Path("checkpoints")) << "a file";
  const CheckpointFolder checkpoints(folder.Path(""), 1);
  try {
    checkpoints.Write(1, {{"a", at::zeros({4})}}, kNothing, kNothing);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot write the checkpoint of step 1: "));
    EXPECT_THAT(error.what(), HasSubstr("checkpoints/.step-1.tmp: Not a directory"));
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("filesystem error")));
  }
}

// The file of the oldest seems to be large; it takes no room, so that the write fails after all.
TEST(CheckpointFolder, OldCheckpointsGoFirstWhereTheyMakeRoom) {
  const test::Folder folder;
  const CheckpointFolder all(folder.Path("run"), 3), two(folder.Path("run"), 2);
  all.Prepare();
  for (const int64_t step : {1, 2, 3}) all.Write(step, {{"a", at::zeros({4})}}, kNothing, kNothing);
  fs::resize_file(folder.Path("run/checkpoints/step-1/state.safetensors"), int64_t{1} << 31);
  const int64_t bytes = FreeBytes(folder.Path("run")).value() + (int64_t{1} << 30);
  const at::Tensor large = at::zeros({1}).expand({bytes / 4});
  EXPECT_THROW(two.Write(4, {{"a", large}}, kNothing, kNothing), Error);
  EXPECT_EQ(two.Steps(), (std::vector<int64_t>{3, 2}));
}

TEST(Trainer, ADueCheckpointWaitsUntilTheTaskDoesNotDiverge) {
  const test::Folder folder;
  const RunContext context = ContextOf();
  const TrainConfig config = ConfigOf(
      folder.Path("run"), {{"steps", 8}, {"checkpoint", {{"every_steps", 3}, {"keep", 9}}}});
  MatrixTask task;
  task.doubtful = {3, 4, 6, 7};
  Trainer(config, task, context).Run();
  EXPECT_EQ(CheckpointFolder(config.output, 9).Steps(), (std::vector<int64_t>{8, 5}));
}

TEST(Trainer, ADoubtfulLastCheckpointReplacesNone) {
  const test::Folder folder;
  const RunContext context = ContextOf();
  const TrainConfig config = ConfigOf(
      folder.Path("run"), {{"steps", 4}, {"checkpoint", {{"every_steps", 2}, {"keep", 1}}}});
  MatrixTask task;
  task.doubtful = {4};
  Trainer(config, task, context).Run();
  EXPECT_EQ(CheckpointFolder(config.output, 1).Steps(), (std::vector<int64_t>{4, 2}));
}

TEST(Trainer, AFullDiskLeavesTheLastCheckpoint) {
  const test::Folder folder;
  const std::string output = folder.Path("run");
  const RunContext context = ContextOf();
  const TrainConfig two = ConfigOf(output, {{"steps", 2}}), four = ConfigOf(output, {{"steps", 4}});
  MatrixTask first(256);
  Trainer(two, first, context).Run();
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{100'000, old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  MatrixTask second(256);
  const std::string message = ErrorOf([&] { Trainer(four, second, context).Run(); });
  ::setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_THAT(message, HasSubstr("cannot write the checkpoint of step 4"));
  EXPECT_THAT(message, HasSubstr("the checkpoint of step 2 stays"));
  EXPECT_THAT(StepsIn(output), ElementsAre("step-2"));
  MatrixTask third(256);
  EXPECT_EQ(Trainer(four, third, context).step(), 2);
}

}  // namespace
}  // namespace t3
