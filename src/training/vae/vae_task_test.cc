// Training a VAE through the trainer.
#include "training/vae/vae_task.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "base/check.h"
#include "models/vae/testing/random_vae.h"
#include "training/loop/trainer.h"
#include "training/vae/latent_statistics.h"
#include "training/vae/world_clips.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// Single frames among the batches: they leave some weights without a gradient.
nlohmann::json SmallWorld() {
  return {{"batches",
           {{{"size", "32x24"}, {"frames", 5}, {"turns", 2}, {"clips", 2}},
            {{"size", "40x24"}, {"frames", 1}, {"clips", 2}}}},
          {"measured", {{"size", "32x24"}, {"frames", 5}, {"clips", 2}}},
          {"held_out", {{{"size", "32x24"}, {"frames", 5}, {"clips", 2}}}}};
}

VaeTrainConfig SmallVaeRun(const test::Folder& folder, const std::string& output,
                           const nlohmann::json& more = nlohmann::json::object()) {
  const std::string file = folder.Path("random.safetensors");
  const VaeConfig sizes = SmallVaeConfig(VaeVersion::k21, 4, 4, 4);
  SaveVae(file, sizes, RandomVaeTensors(sizes, 3));
  nlohmann::json document{{"task", "vae"},
                          {"model", {{"vae", file}}},
                          {"output", folder.Path(output)},
                          {"loss", {{"gradient", 0.5}, {"laplacian", 0.5}}},
                          {"data", {{"world", SmallWorld()}}},
                          {"steps", 6},
                          {"seed", 5},
                          {"device", "cpu"},
                          {"dtype", "fp32"},
                          {"ema", 0.5},
                          {"optimizer", {{"lr", 3e-3}}}};
  document.update(more, /*merge_objects=*/true);
  fs::create_directories(folder.Path(output));
  return ParseVaeTrainConfig(document, "test.json");
}

VaeTask SmallVaeTask(const VaeTrainConfig& config) {
  return {config, OpenVaeFile(config.model.vae),
          std::make_unique<WorldClips>(config.world, config.seed, config.accumulation, at::kCPU),
          config.dtype == ComputeDtype::kBf16 ? at::kBFloat16 : at::kFloat, at::kCPU};
}

const RunContext& VaeTestContext() {
  static const ProgressFn none;
  static const RunContext context{none, nullptr, at::kCPU};
  return context;
}

struct VaeRun {
  TensorMap weights;
  std::vector<LogEntry> log;
};

VaeRun RunVae(const VaeTrainConfig& config) {
  VaeTask task = SmallVaeTask(config);
  Trainer trainer(config, task, VaeTestContext());
  trainer.Run();
  return {trainer.weights(), trainer.log()};
}

TEST(VaeTask, ResumesBitForBit) {
  const test::Folder folder;
  const VaeRun straight = RunVae(SmallVaeRun(folder, "straight"));
  RunVae(SmallVaeRun(folder, "resumed", {{"steps", 2}}));
  const VaeRun resumed = RunVae(SmallVaeRun(folder, "resumed"));
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(resumed.log[i].loss, straight.log[i].loss) << i;
  for (const auto& [name, tensor] : straight.weights) {
    EXPECT_TRUE(resumed.weights.at(name).equal(tensor)) << name;
  }
}

// The loss of one batch before and after; bf16 convolutions are slow on CPUs, so few steps of them.
void ExpectLearns(const char* dtype, int64_t steps, double at_most) {
  const test::Folder folder;
  const VaeTrainConfig config = SmallVaeRun(folder, "x", {{"steps", steps}, {"dtype", dtype}});
  VaeTask task = SmallVaeTask(config);
  const auto loss = [&] {
    const double value = task.ForwardBackward(999, 0, 1).loss.item<double>();
    for (const auto& [name, leaf] : task.leaves()) leaf.mutable_grad().reset();
    return value;
  };
  const double before = loss();
  Trainer(config, task, VaeTestContext()).Run();
  EXPECT_LT(loss(), at_most * before) << dtype;
}
TEST(VaeTask, Learns) { ExpectLearns("fp32", 24, 0.85); }
TEST(VaeTask, LearnsInBf16) { ExpectLearns("bf16", 4, 1); }

// One step a call: what has run out is noticed after a step.
TEST(VaeTask, StopsAfterItsSecondsWithAVaeThatKnowsItsStatistics) {
  const test::Folder folder;
  const nlohmann::json more{{"stop_after_seconds", 1e-3}, {"save_dtype", "bf16"}};
  EXPECT_EQ(RunVae(SmallVaeRun(folder, "x", more)).log.size(), 1u);
  EXPECT_EQ(RunVae(SmallVaeRun(folder, "x", more)).log.size(), 2u);
  VaeTrainConfig written = SmallVaeRun(folder, "y");
  written.model.vae = folder.Path("x") + "/Wan2.1_VAE.safetensors";
  const VaeFile file = OpenVaeFile(written.model.vae);
  EXPECT_EQ(file.config.mean.size(), 4u);
  EXPECT_NE(file.config.mean, SmallVaeConfig(VaeVersion::k21, 4, 4, 4).mean);
  EXPECT_EQ(file.views.tensors.at("conv1.weight").dtype, DType::kBF16);
}

TEST(VaeTask, TrainsTheDecoderAlone) {
  const test::Folder folder;
  const VaeTrainConfig config = SmallVaeRun(folder, "x", {{"train_part", "decoder"}});
  const VaeFile before = OpenVaeFile(config.model.vae);
  for (const auto& [name, tensor] : RunVae(config).weights) {
    EXPECT_TRUE(name.starts_with("decoder.") || name.starts_with("conv2.")) << name;
  }
  VaeTrainConfig written = config;
  written.model.vae = folder.Path("x") + "/Wan2.1_VAE.safetensors";
  const VaeFile after = OpenVaeFile(written.model.vae);
  int64_t kept = 0, moved = 0;
  for (const auto& [name, view] : before.views.tensors) {
    const bool equal = std::ranges::equal(
        std::span(view.data, static_cast<size_t>(view.bytes)),
        std::span(after.views.tensors.at(name).data, static_cast<size_t>(view.bytes)));
    const bool encoder = name.starts_with("encoder.") || name.starts_with("conv1.");
    EXPECT_TRUE(equal || !encoder) << name;
    (equal ? kept : moved) += 1;
  }
  EXPECT_GT(kept, 0);
  EXPECT_GT(moved, kept / 2);
}

// The encoder rounded to bf16 is the same encoder when it is trained on, so its latents are too.
TEST(VaeTask, MeasuresTheFrozenEncoderAsItIsWritten) {
  const test::Folder folder;
  const nlohmann::json more{
      {"train_part", "decoder"}, {"save_dtype", "bf16"}, {"steps", 1}, {"ema", 0}};
  RunVae(SmallVaeRun(folder, "x", more));
  VaeTrainConfig again = SmallVaeRun(folder, "y", more);
  again.model.vae = folder.Path("x") + "/Wan2.1_VAE.safetensors";
  const VaeConfig first = OpenVaeFile(again.model.vae).config;
  RunVae(again);
  again.model.vae = folder.Path("y") + "/Wan2.1_VAE.safetensors";
  const VaeConfig second = OpenVaeFile(again.model.vae).config;
  // Latents pass through fp32 normalisation by the file's own statistics: a few roundings of values
  // about 1. Rounding the encoder to bf16 moves them by some 1e-3.
  for (size_t i = 0; i < first.mean.size(); ++i) {
    EXPECT_NEAR(second.mean[i], first.mean[i], 1e-6);
    EXPECT_NEAR(second.std[i], first.std[i], 1e-6);
  }
}

TEST(VaeTask, RefusesFieldsOfTheDenoiserAndSizesThatDoNotFit) {
  const test::Folder folder;
  EXPECT_THROW(SmallVaeRun(folder, "x", {{"lora", {{"rank", 4}}}}), Error);
  EXPECT_THROW(SmallVaeRun(folder, "x", {{"model", {{"vae", ""}}}}), Error);
  EXPECT_THROW(SmallVaeRun(folder, "x", {{"loss", {{"reconstruction", -1}}}}), Error);
  EXPECT_THROW(OpenVaeFile(T3_SOURCE_DIR "/tests/data/reference/i2v.png"), Error);
}

}  // namespace
}  // namespace t3
