// The denoiser's task under the training loop, and the model that it writes.
#include "training/dit/dit_task.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/testing/error_of.h"
#include "training/dit/model_folder.h"
#include "training/dit/testing/synthetic_source.h"
#include "training/loop/trainer.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

void Train(const DitTrainConfig& config, Task& task) {
  fs::create_directories(config.output);
  Trainer(config, task, CpuContext()).Run();
}

struct Finished {
  TensorMap weights;
  std::vector<LogEntry> log;
};

Finished RunTo(const DitTrainConfig& config) {
  const auto task = MiniTask(config);
  fs::create_directories(config.output);
  Trainer trainer(config, *task, CpuContext());
  trainer.Run();
  Finished finished{{}, trainer.log()};
  for (const auto& [name, tensor] : trainer.weights()) finished.weights[name] = tensor.clone();
  return finished;
}

// Two steps at once, and one after the other by two tasks: what a task draws follows from the step
// alone, and the checkpoint has all weights. trainer_test.cc resumes longer runs of a small matrix.
void ExpectResumesBitForBit(nlohmann::json more) {
  const test::Folder folder;
  more["prompt_dropout"] = 0.5;
  more["steps"] = 2;
  const Finished straight = RunTo(MiniConfig(folder.Path("straight"), more));
  more["steps"] = 1;
  RunTo(MiniConfig(folder.Path("resumed"), more));
  more["steps"] = 2;
  const Finished resumed = RunTo(MiniConfig(folder.Path("resumed"), more));
  ASSERT_EQ(resumed.log.size(), 2U);
  EXPECT_EQ(resumed.log[1].loss, straight.log[1].loss);
  EXPECT_EQ(resumed.log[1].gradient_norm, straight.log[1].gradient_norm);
  for (const auto& [name, tensor] : straight.weights) {
    EXPECT_TRUE(resumed.weights.at(name).equal(tensor)) << name;
  }
}

TEST(DitTask, ResumesBitForBit) { ExpectResumesBitForBit({}); }
TEST(DitTask, ResumesLoraBitForBit) { ExpectResumesBitForBit({{"lora", {{"rank", 4}}}}); }
TEST(DitTask, ResumesTheTextEncoderBitForBit) {
  ExpectResumesBitForBit({{"train_text_encoder", true}});
}

TEST(DitTask, AccumulationIsALargerBatch) {
  const auto task = MiniTask(MiniConfig("unused", {{"accumulation", 2}}));
  TensorMap sum;
  for (int64_t micro : {0, 1}) {
    task->ForwardBackward(4, micro, 1);
    for (const auto& [name, leaf] : task->leaves()) {
      sum[name] = sum.contains(name) ? sum[name] + leaf.grad() : leaf.grad().clone();
      leaf.mutable_grad().reset();
    }
  }
  for (int64_t micro : {0, 1}) task->ForwardBackward(4, micro, 0.5);
  for (const auto& [name, leaf] : task->leaves()) {
    EXPECT_TRUE(at::allclose(leaf.grad() * 2, sum[name], 1e-4, 1e-6)) << name;
  }
}

// The loss of one batch, noise and timesteps included, before and after.
void ExpectLearns(const char* dtype, int64_t steps, double at_most) {
  const test::Folder folder;
  const DitTrainConfig config = MiniConfig(folder.Path("x"), {{"steps", steps}, {"dtype", dtype}});
  const auto task = MiniTask(config);
  SyntheticSource source;
  const auto loss = [&] { return task->ValidationLoss(task->leaves(), source, 0); };
  const double before = loss();
  EXPECT_EQ(loss(), before);
  Train(config, *task);
  EXPECT_LT(loss(), at_most * before) << dtype;
}
TEST(DitTask, Learns) { ExpectLearns("fp32", 16, 0.9); }
TEST(DitTask, LearnsInBf16) { ExpectLearns("bf16", 8, 0.97); }

TEST(DitTask, ImageToVideoNeedsAModelThatMakesVideoFromImages) {
  const DitTrainConfig config = MiniConfig("unused", {{"image_to_video", 1}});
  try {
    MiniTask(config);
    FAIL() << "wanted an error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("\"image_to_video\" needs a model that makes video"));
  }
  const auto loss_with = [](double share) {
    DitTask task(MiniConfig("unused", {{"image_to_video", share}}), MiniModel("mini2.2"),
                 std::make_unique<SyntheticSource>(48), at::kFloat, CpuContext());
    const double loss = task.ForwardBackward(0, 0, 1).loss.item<double>();
    for (const auto& [name, leaf] : task.leaves()) EXPECT_TRUE(leaf.grad().defined()) << name;
    return loss;
  };
  EXPECT_NE(loss_with(0), loss_with(1));
  EXPECT_EQ(loss_with(1), loss_with(1));
}

TEST(DitTask, TheFingerprintNamesTheAttention) {
  const auto identity = [](const char* pattern) {
    return DitIdentity(MiniConfig("unused", {{"attention", {{"pattern", pattern}}}}), MiniModel(),
                       "data");
  };
  EXPECT_EQ(identity("t3"), identity("t3"));
  EXPECT_NE(identity("t3")["attention"], identity("close")["attention"]);
}

// Trains for a step, so that other models can take files of `output`.
void MakeParts(const std::string& output, nlohmann::json more) {
  more["steps"] = 1;
  const DitTrainConfig config = MiniConfig(output, more);
  Train(config, *MiniTask(config));
}

TEST(DitTask, DoesNotResumeWithOtherLorasOfTheBase) {
  const test::Folder folder;
  MakeParts(folder.Path("parts"), {{"lora", {{"rank", 2}}}});
  const std::string file = folder.Path("parts/lora.safetensors");
  const std::string copy = folder.Add("copy.safetensors", folder.Read("parts/lora.safetensors"));
  const DitTrainConfig config = MiniConfig(folder.Path("run"), {{"steps", 1}});
  const auto error_with = [&](std::vector<Lora> loras) {
    ModelInfo model = MiniModel();
    model.loras = std::move(loras);
    DitTask task(config, model, std::make_unique<SyntheticSource>(), at::kFloat, CpuContext());
    return ErrorOf([&] { Train(config, task); });
  };
  EXPECT_EQ(error_with({{file, 0.5}}), "");
  EXPECT_EQ(error_with({{copy, 0.5}}), "") << "the path does not matter";
  EXPECT_THAT(error_with({{file, 1}}), HasSubstr("belongs to another run: model/loras was"));
  EXPECT_THAT(error_with({}), HasSubstr("now \"none\""));
  EXPECT_THAT(error_with({{file, 0.5}, {file, 0.5}}), HasSubstr("model/loras was"));
  folder.Add("adapter_config.json", R"({"lora_alpha": 4, "r": 2})");
  EXPECT_THAT(error_with({{copy, 0.5}}), HasSubstr("model/loras was"));
}

TEST(DitTask, TheFingerprintNamesTheTextEncoderAndTokenizer) {
  const test::Folder folder;
  MakeParts(folder.Path("parts"), {{"train_text_encoder", true}});
  ModelFiles files;
  files.model = T3_SOURCE_DIR "/tests/data/reference/mini2.1";
  files.text_encoder = folder.Path("parts/models_t5_umt5-xxl-enc-bf16.safetensors");
  const auto identity = [](const ModelInfo& model) {
    return DitIdentity(MiniConfig("unused"), model, "data");
  };
  const nlohmann::json before = identity(MiniModel()), after = identity(OpenModel(files));
  EXPECT_NE(before["text_encoder"], after["text_encoder"]);
  EXPECT_EQ(before["tokenizer"], after["tokenizer"]);
  EXPECT_EQ(before["denoiser"], after["denoiser"]);
  EXPECT_EQ(before["vae"], after["vae"]);
  ModelInfo other = MiniModel();
  other.paths.tokenizer = folder.Add("spiece.model", "another");
  EXPECT_NE(before["tokenizer"], identity(other)["tokenizer"]);
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

TEST(DitTask, TheFolderItWritesIsTheModelItTrained) {
  const test::Folder folder;
  const DitTrainConfig config = MiniConfig(folder.Path("run"), {{"steps", 1}});
  const auto task = MiniTask(config);
  Train(config, *task);
  ModelFiles files;
  files.model = config.output;
  const ModelInfo written = OpenModel(files);
  EXPECT_EQ(written.attention.pattern, AttentionPattern::kT3);
  EXPECT_EQ(written.attention.windows, "2,1,1;1,2,2;1,1,3");
  EXPECT_TRUE(written.text && written.vae);
  EXPECT_EQ(written.defaults, MiniModel().defaults);
  EXPECT_NO_THROW(CheckTextEncoder(written));
  const at::Tensor trained = VelocityOf(task->Model(task->leaves()));
  EXPECT_TRUE(VelocityOf(Loaded(written)).equal(trained));
  EXPECT_FALSE(VelocityOf(Loaded(MiniModel())).equal(trained));
  std::ifstream svg(config.output + "/curves.svg");
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(svg), {}), HasSubstr("polyline"));
}

// The base's LoRAs were made for its weights.
TEST(DitTask, TheFolderItWritesDoesNotNameTheLorasOfTheBase) {
  const test::Folder folder;
  std::filesystem::copy(T3_SOURCE_DIR "/tests/data/reference/mini2.1", folder.Path("base"),
                        std::filesystem::copy_options::recursive);
  folder.Add("base/t3.json",
             R"({"steps": 20, "lora": "few.safetensors", "refiner_lora": [], "shift": 3})");
  folder.Add("base/few.safetensors", "not looked at");
  ModelFiles files;
  files.model = folder.Path("base");
  const ModelInfo base = OpenModel(files);
  EXPECT_TRUE(base.loras.empty());
  std::filesystem::create_directory(folder.Path("run"));
  for (int i = 0; i < 2; ++i) {  // a resumed run links again
    LinkOtherParts(base, folder.Path("run"), /*text_encoder=*/true);
    EXPECT_EQ(nlohmann::json::parse(folder.Read("run/t3.json")),
              (nlohmann::json{{"steps", 20}, {"shift", 3}}));
  }
  EXPECT_FALSE(std::filesystem::exists(folder.Path("run/few.safetensors")));
}

// The file of factors, merged into the base when it is loaded, is the model in training; so is the
// merged model that is written beside it.
TEST(DitTask, LoraFilesMergeIntoTheModelInTraining) {
  const test::Folder folder;
  const DitTrainConfig config =
      MiniConfig(folder.Path("run"), {{"steps", 2}, {"lora", {{"rank", 4}, {"alpha", 8}}}});
  const auto task = MiniTask(config);
  Train(config, *task);
  const at::Tensor trained = VelocityOf(task->Model(task->leaves()));
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
          file->tensors().contains(fmt::format("diffusion_model.blocks.4.{}.{}", module, name)));
    }
  }
}

TEST(DitTask, ALoraIsSavedInTheDtypeOfTheModel) {
  const test::Folder folder;
  const DitTrainConfig config = MiniConfig(
      folder.Path("run"), {{"steps", 1}, {"lora", {{"rank", 2}}}, {"save_dtype", "bf16"}});
  Train(config, *MiniTask(config));
  const auto file = WeightFile::Open(config.output + "/lora.safetensors");
  const std::string factor = "diffusion_model.blocks.4.ffn.2.lora_A.weight";
  EXPECT_EQ(file->tensors().at(factor).dtype, DType::kBF16);
  ModelInfo model = MiniModel();
  model.loras.push_back({config.output + "/lora.safetensors", 1});
  EXPECT_NO_THROW(Loaded(model));
}

}  // namespace
}  // namespace t3
