// Training steps that ranks share are those of one process: batches, tokens, or both.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <ostream>

#include "arch/dit.h"
#include "loading/tensor_file.h"
#include "parallel/testing/thread_ranks.h"
#include "sampling/noise.h"
#include "training/dit/testing/synthetic_source.h"
#include "training/loop/rank_task.h"
#include "training/loop/trainer.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

using testing::Each;
using testing::IsEmpty;

struct RankCase {
  std::string name;
  int64_t ranks = 1, sequence = 1, accumulation = 1;
  nlohmann::json more = {};  // fields of the configuration
};

void PrintTo(const RankCase& c, std::ostream* out) { *out << c.name; }

struct Trained {
  std::vector<LogEntry> log;
  TensorMap weights;
};

// A denoiser of 12 heads, which 2, 3 and 4 ranks divide; its clips have 16 tokens, which 3 do not.
ModelInfo TwelveHeads(int64_t latent_channels) {
  static const test::Folder folder;
  const std::string path = folder.Path(fmt::format("dit-{}.safetensors", latent_channels));
  if (!std::filesystem::exists(path)) {
    const DitConfig config{.dim = 192,
                           .ffn_dim = 96,
                           .num_heads = 12,
                           .num_layers = 3,
                           .latent_channels = latent_channels,
                           .text_dim = 64};
    std::vector<std::pair<std::string, at::Tensor>> tensors;
    for (const TensorSpec& spec : DitTensors(config)) {
      const at::Tensor noise = TorchNoise(tensors.size() + 1, spec.shape);
      const bool matrix = spec.shape.size() > 1;
      const double scale = matrix ? std::sqrt(static_cast<double>(noise[0].numel())) : 1;
      tensors.emplace_back(spec.name, matrix ? noise / scale : 1 + 0.1 * noise);
    }
    SaveTensors(path, tensors, DitMetadata(config));
  }
  const std::string mini = T3_SOURCE_DIR "/tests/data/reference/mini2.1/";
  ModelFiles files;
  files.text_encoder = mini + "models_t5_umt5-xxl-enc-bf16.pth";
  files.tokenizer = mini + "google/umt5-xxl/spiece.model";
  files.dit = path;
  return OpenModel(files);
}

DitTrainConfig ConfigOf(const RankCase& c, const std::string& output, int64_t steps) {
  nlohmann::json more = c.more;
  more["steps"] = steps;
  more["accumulation"] = c.accumulation;
  DitTrainConfig config = MiniConfig(output, more);
  std::filesystem::create_directories(output);
  return config;
}

Trained TrainOn(const RankCase& c, int64_t ranks, int64_t sequence, const std::string& output,
                int64_t steps) {
  const DitTrainConfig config = ConfigOf(c, output, steps);
  const RankLayout layout = ChooseRankLayout(ranks, c.accumulation, sequence, 12);
  const ModelInfo model = TwelveHeads(c.more.contains("image_to_video") ? 48 : 16);
  Trained result;
  const auto errors = RunRanks(ranks, [&](Team& team) {
    RankGroup* const group = sequence > 1 ? &team.Among(layout.Members(team.rank())) : nullptr;
    DitTask task(config, model, std::make_unique<SyntheticSource>(model.dit.latent_channels),
                 at::kFloat, CpuContext(), group);
    if (team.rank() != 0) return FollowTraining(task, team, layout, config);
    RankTask shared(task, team, layout, config.accumulation);
    Trainer trainer(config, shared, CpuContext());
    trainer.Run();
    result.log = trainer.log();
    for (const auto& [name, tensor] : trainer.weights()) result.weights[name] = tensor.clone();
    Team::Order(team, R"({"do": "end"})").End();
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
  return result;
}

void ExpectSame(const Trained& several, const Trained& one) {
  ASSERT_EQ(several.log.size(), one.log.size());
  for (size_t i = 0; i < one.log.size(); ++i) {
    EXPECT_NEAR(several.log[i].loss, one.log[i].loss, 1e-6 * one.log[i].loss) << "step " << i;
    EXPECT_NEAR(several.log[i].gradient_norm, one.log[i].gradient_norm,
                1e-5 * one.log[i].gradient_norm)
        << "step " << i;
  }
}

class RankTraining : public testing::TestWithParam<RankCase> {};

TEST_P(RankTraining, TenStepsAreThoseOfOneProcess) {
  const RankCase& c = GetParam();
  const test::Folder folder;
  const Trained one = TrainOn(c, 1, 1, folder.Path("one"), 10);
  ASSERT_EQ(one.log.size(), 10U);
  ExpectSame(TrainOn(c, c.ranks, c.sequence, folder.Path("several"), 10), one);
}

INSTANTIATE_TEST_SUITE_P(
    Layouts, RankTraining,
    testing::Values(
        RankCase{"data2", 2, 1, 2}, RankCase{"data3", 3, 1, 4}, RankCase{"sequence2", 2, 2, 1},
        RankCase{"sequence3", 3, 3, 2}, RankCase{"sequence4", 4, 4, 1}, RankCase{"mixed", 4, 2, 2},
        RankCase{"block", 3, 3, 1, {{"activation_checkpoints", "block"}}},
        RankCase{"offload", 2, 2, 1, {{"activation_checkpoints", "offload"}, {"ema", 0.9}}},
        RankCase{"lora", 2, 2, 1, {{"lora", {{"rank", 4}}}, {"activation_checkpoints", "block"}}},
        RankCase{"text", 2, 2, 1, {{"train_text_encoder", true}}},
        RankCase{"image", 3, 3, 1, {{"image_to_video", 0.5}}},
        RankCase{"full", 2, 2, 1, {{"attention", {{"pattern", "full"}, {"windows", "planner"}}}}}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(RankTraining, ResumesOnAnotherLayout) {
  const RankCase c{"", 4, 2, 2, {{"ema", 0.9}}};
  const test::Folder folder;
  const Trained one = TrainOn(c, 1, 1, folder.Path("one"), 10);
  TrainOn(c, 4, 2, folder.Path("some"), 3);
  TrainOn(c, 1, 1, folder.Path("some"), 5);
  ExpectSame(TrainOn(c, 2, 2, folder.Path("some"), 10), one);
}

TEST(RankTraining, ResumesBitForBitOnTheSame) {
  const RankCase c{"", 4, 2, 2, {{"ema", 0.9}}};
  const test::Folder folder;
  const Trained straight = TrainOn(c, 4, 2, folder.Path("straight"), 4);
  TrainOn(c, 4, 2, folder.Path("resumed"), 2);
  const Trained resumed = TrainOn(c, 4, 2, folder.Path("resumed"), 4);
  EXPECT_EQ(resumed.log.back().loss, straight.log.back().loss);
  for (const auto& [name, tensor] : straight.weights)
    EXPECT_TRUE(resumed.weights.at(name).equal(tensor)) << name;
}

}  // namespace
}  // namespace t3
