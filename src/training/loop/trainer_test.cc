// The loop: resuming, refusing, stopping, and what it leaves behind.
#include "training/loop/trainer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "models/dit/tensors.h"
#include "nn/load.h"
#include "training/dit/synthetic_source.h"
#include "weights/test_folder.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Finished {
  TensorMap weights;
  std::vector<LogEntry> log;
};

Finished RunTo(const TrainConfig& config) {
  const auto task = MiniTask(config);
  Trainer trainer(config, *task, CpuContext());
  trainer.Run();
  Finished finished{{}, trainer.log()};
  for (const auto& [name, tensor] : trainer.weights()) finished.weights[name] = tensor.clone();
  return finished;
}

std::string ErrorOf(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

void ExpectResumesBitForBit(nlohmann::json more) {
  const test::Folder folder;
  more["ema"] = 0.9;
  const Finished straight = RunTo(MiniConfig(folder.Path("straight"), more));
  more["steps"] = 3;
  RunTo(MiniConfig(folder.Path("resumed"), more));
  more["steps"] = 6;
  const Finished resumed = RunTo(MiniConfig(folder.Path("resumed"), more));
  ASSERT_EQ(resumed.log.size(), 6U);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(resumed.log[i].step, static_cast<int64_t>(i) + 1);
    EXPECT_EQ(resumed.log[i].loss, straight.log[i].loss);
    EXPECT_EQ(resumed.log[i].gradient_norm, straight.log[i].gradient_norm);
  }
  for (const auto& [name, tensor] : straight.weights) {
    EXPECT_TRUE(resumed.weights.at(name).equal(tensor)) << name;
  }
}

TEST(Trainer, ResumesBitForBit) { ExpectResumesBitForBit({{"accumulation", 2}}); }
TEST(Trainer, ResumesLoraBitForBit) { ExpectResumesBitForBit({{"lora", {{"rank", 4}}}}); }
TEST(Trainer, ResumesTheTextEncoderBitForBit) {
  ExpectResumesBitForBit({{"train_text_encoder", true}});
}

TEST(Trainer, AccumulationIsALargerBatch) {
  const test::Folder folder;
  const auto task = MiniTask(MiniConfig(folder.Path("x"), {{"accumulation", 2}}));
  TensorMap sum;
  for (int64_t micro : {0, 1}) {
    task->Accumulate(4, micro, 1);
    for (const auto& [name, leaf] : task->leaves()) {
      sum[name] = sum.contains(name) ? sum[name] + leaf.grad() : leaf.grad().clone();
      leaf.mutable_grad().reset();
    }
  }
  for (int64_t micro : {0, 1}) task->Accumulate(4, micro, 0.5);
  for (const auto& [name, leaf] : task->leaves()) {
    EXPECT_TRUE(at::allclose(leaf.grad() * 2, sum[name], 1e-4, 1e-6)) << name;
  }
}

// The loss of one batch, noise and timesteps included, before and after.
TEST(Trainer, LearnsInBothDtypes) {
  for (const char* dtype : {"fp32", "bf16"}) {
    const test::Folder folder;
    const TrainConfig config = MiniConfig(folder.Path("x"), {{"steps", 25}, {"dtype", dtype}});
    const auto task = MiniTask(config);
    const auto loss = [&] {
      const double value = task->Accumulate(1000, 0, 1).loss.item<double>();
      for (const auto& [name, leaf] : task->leaves()) leaf.mutable_grad().reset();
      return value;
    };
    const double before = loss();
    Trainer(config, *task, CpuContext()).Run();
    EXPECT_LT(loss(), 0.85 * before) << dtype;
  }
}

TEST(Trainer, KeepsTheNewestCheckpointsAndPassesOverDamagedOnes) {
  const test::Folder folder;
  nlohmann::json fields{{"checkpoint", {{"every_steps", 1}, {"keep", 2}}}};
  const std::string output = folder.Path("run");
  const Finished first = RunTo(MiniConfig(output, fields));
  EXPECT_TRUE(fs::exists(output + "/checkpoints/step-6"));
  EXPECT_TRUE(fs::exists(output + "/checkpoints/step-5"));
  EXPECT_FALSE(fs::exists(output + "/checkpoints/step-4"));
  // What kill -9 leaves: a file cut short, and a folder under its temporary name.
  fs::resize_file(output + "/checkpoints/step-6/state.safetensors", 5000);
  fs::create_directories(output + "/checkpoints/.step-7.tmp");
  const auto task = MiniTask(MiniConfig(output, fields));
  const TrainConfig config = MiniConfig(output, fields);
  Trainer trainer(config, *task, CpuContext());
  EXPECT_EQ(trainer.step(), 5);
  EXPECT_FALSE(fs::exists(output + "/checkpoints/.step-7.tmp"));
  trainer.Run();
  EXPECT_EQ(trainer.log().back().loss, first.log.back().loss);
}

TEST(Trainer, RefusesTheCheckpointOfAnotherRunByName) {
  const test::Folder folder;
  const std::string output = folder.Path("run");
  RunTo(MiniConfig(output, {{"steps", 1}}));
  const auto message = [&](const nlohmann::json& more) {
    return ErrorOf([&] { RunTo(MiniConfig(output, more)); });
  };
  EXPECT_THAT(message({{"seed", 6}}), HasSubstr("config/seed was 5, now 6"));
  EXPECT_THAT(message({{"optimizer", {{"lr", 1e-4}}}}), HasSubstr("config/optimizer/lr"));
  EXPECT_THAT(message({{"attention", {{"pattern", "close"}}}}), HasSubstr("t3.attention"));
  EXPECT_THAT(message({{"lora", {{"rank", 2}}}}), HasSubstr("config/lora was absent"));
  EXPECT_EQ(message({{"steps", 2}}), "no error");
}

TEST(Trainer, StopsAtALossThatIsNoNumberAndSaysWhichBatch) {
  const test::Folder folder;
  const TrainConfig config = MiniConfig(folder.Path("run"), {{"checkpoint", {{"every_steps", 2}}}});
  const auto task = MiniTask(config, /*poisoned=*/3);
  Trainer trainer(config, *task, CpuContext());
  const std::string message = ErrorOf([&] { trainer.Run(); });
  EXPECT_THAT(message, HasSubstr("step 4: the loss is not finite"));
  EXPECT_THAT(message, HasSubstr("clip-3-0-0, clip-3-0-1"));
  EXPECT_THAT(message, HasSubstr("checkpoint of step 2"));
  EXPECT_TRUE(fs::exists(config.output + "/checkpoints/step-2/state.json"));
}

TEST(Trainer, ACancelSavesTheStepInWork) {
  const test::Folder folder;
  const TrainConfig config = MiniConfig(folder.Path("run"));
  CancelToken cancel;
  const ProgressFn progress = [&](const ProgressEvent& event) {
    if (event.done == 2) cancel.Cancel();
  };
  const RunContext context{progress, &cancel, at::kCPU};
  const auto task = MiniTask(config);
  Trainer trainer(config, *task, context);
  EXPECT_THAT(ErrorOf([&] { trainer.Run(); }), HasSubstr("step 2 of 6 is saved"));
  EXPECT_TRUE(fs::exists(config.output + "/checkpoints/step-2"));
}

// A limit on the size of files stands for the full disk.
TEST(Trainer, AFullDiskLeavesTheLastCheckpoint) {
  const test::Folder folder;
  const std::string output = folder.Path("run");
  RunTo(MiniConfig(output, {{"steps", 2}}));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{1'000'000, old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = ErrorOf([&] { RunTo(MiniConfig(output, {{"steps", 4}})); });
  ::setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_THAT(message, HasSubstr("the checkpoint of step 4 could not be written"));
  EXPECT_THAT(message, HasSubstr("the one of step 2 stays"));
  EXPECT_TRUE(fs::exists(output + "/checkpoints/step-2/state.json"));
  EXPECT_FALSE(fs::exists(output + "/checkpoints/.step-4.tmp"));
  const TrainConfig config = MiniConfig(output, {{"steps", 4}});
  const auto task = MiniTask(config);
  EXPECT_EQ(Trainer(config, *task, CpuContext()).step(), 2);
}

at::Tensor VelocityOf(const Dit& dit) {
  const c10::NoGradGuard no_grad;
  const StepRandom random(1, 1, 1);
  const at::Tensor latents = random.Normal(Draw::kNoise, {16, 2, 4, 8}, at::kCPU);
  const TextContext text = dit.PrepareText(random.Normal(Draw::kBatch, {4, 64}, at::kCPU));
  const AttentionLayout attention =
      AttentionLayout::Make(AttentionPattern::kT3, {{2, 1, 1}, {1, 2, 2}, {1, 1, 3}}, {2, 2, 4},
                            dit.config().num_layers, dit.config().head_dim(), at::kCPU);
  return dit.Forward(latents, 600, 0, text, attention);
}

Dit Loaded(const ModelInfo& model) {
  return LoadDit(model, at::kFloat, BlockWeights::kOnDevice, CpuContext());
}

TEST(Trainer, TheFolderItWritesIsTheModelItTrained) {
  const test::Folder folder;
  const TrainConfig config = MiniConfig(folder.Path("run"), {{"steps", 2}});
  const auto task = MiniTask(config);
  Trainer trainer(config, *task, CpuContext());
  trainer.Run();
  ModelFiles files;
  files.model = config.output;
  const ModelInfo written = OpenModel(files);
  EXPECT_EQ(written.attention.pattern, AttentionPattern::kT3);
  EXPECT_EQ(written.attention.windows, "2,1,1;1,2,2;1,1,3");
  EXPECT_TRUE(written.text && written.vae);
  EXPECT_EQ(written.defaults, MiniModel().defaults);
  EXPECT_NO_THROW(CheckTextEncoder(written));
  const at::Tensor trained = VelocityOf(task->Model(trainer.weights()));
  EXPECT_TRUE(VelocityOf(Loaded(written)).equal(trained));
  EXPECT_FALSE(VelocityOf(Loaded(MiniModel())).equal(trained));
  std::ifstream svg(config.output + "/curves.svg");
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(svg), {}), HasSubstr("polyline"));
}

// The file of factors, merged at loading over the base, is the model in training; so is the merged
// model that is written beside it.
TEST(Trainer, LoraFilesMergeIntoTheModelInTraining) {
  const test::Folder folder;
  const TrainConfig config =
      MiniConfig(folder.Path("run"), {{"steps", 2}, {"lora", {{"rank", 4}, {"alpha", 8}}}});
  const auto task = MiniTask(config);
  Trainer trainer(config, *task, CpuContext());
  trainer.Run();
  const at::Tensor trained = VelocityOf(task->Model(trainer.weights()));
  ModelInfo merged = MiniModel();
  merged.loras.push_back({config.output + "/lora.safetensors", 1});
  const auto distance = [&](const at::Tensor& x) {
    return ((x - trained).norm() / trained.norm()).item<double>();
  };
  EXPECT_LT(distance(VelocityOf(Loaded(merged))), 2e-6);
  EXPECT_GT(distance(VelocityOf(Loaded(MiniModel()))), 1e-3);
  ModelFiles files;
  files.model = config.output;
  EXPECT_LT(distance(VelocityOf(Loaded(OpenModel(files)))), 2e-6);
  const auto file = WeightFile::Open(config.output + "/lora.safetensors");
  for (const char* name : {"lora_A.weight", "lora_B.weight", "alpha"}) {
    for (const char* module : {"self_attn.q", "cross_attn.o", "ffn.2"}) {
      EXPECT_TRUE(
          file->tensors().contains(fmt::format("diffusion_model.blocks.5.{}.{}", module, name)));
    }
  }
}

}  // namespace
}  // namespace t3
