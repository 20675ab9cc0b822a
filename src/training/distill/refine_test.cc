// A refiner that learns from clips and their drafts.
#include "training/distill/refine.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "training/distill/testing/mini_distill.h"
#include "training/dit/world_latents.h"
#include "training/loop/trainer.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json RefineDocument(const std::string& output) {
  const json size{{"size", "64x64"}, {"frames", 5}, {"clips", 4}, {"draft", "32x32"}};
  return {{"task", "distill"},
          {"output", output},
          {"objective", "refine"},
          {"sampling", {{"timesteps", {700, 400, 200}}}},
          {"timesteps", {{"shift", 3}}},
          {"steps", 30},
          {"batch_size", 2},
          {"data", {{"world", {{"object_weight", 4}, {"sizes", {size}}}}}},
          {"seed", 5},
          {"device", "cpu"},
          {"dtype", "fp32"},
          {"optimizer", {{"lr", 3e-3}}},
          {"attention", {{"pattern", "full"}}}};
}

std::unique_ptr<DistillTask> MakeTask(const DistillConfig& config) {
  const ModelInfo base = MiniModel();
  auto source =
      std::make_unique<WorldLatents>(config, base, at::kFloat, CpuContext(), ClipLatents::kPairs);
  return std::make_unique<DistillTask>(config, base, OpenTeacher(config, base), std::move(source),
                                       at::kFloat, CpuContext());
}

TEST(Refine, LearnsAndSaysHowItIsSampled) {
  const test::Folder folder;
  const DistillConfig config = ParseDistillConfig(RefineDocument(folder.Path("run")), "test.json");
  EXPECT_NEAR(config.timesteps.max, 700, 1e-3);  // levels are fp32
  const auto task = MakeTask(config);
  std::filesystem::create_directories(config.output);
  Trainer trainer(config, *task, CpuContext(), {});
  trainer.Run();
  const auto mean = [&](size_t first) {
    double sum = 0;
    for (size_t i = first; i < first + 6; ++i) sum += trainer.log()[i].loss / 6;
    return sum;
  };
  EXPECT_LT(mean(24), 0.8 * mean(0));
  task->SaveModel(trainer.weights(), config.output);
  ModelFiles files;
  files.model = config.output;
  const SamplingConfig sampling = OpenModel(files).defaults.sampling;
  EXPECT_EQ(sampling.sampler, Sampler::kEuler);
  EXPECT_EQ(sampling.timesteps, (std::vector<double>{700, 400, 200}));
  EXPECT_EQ(sampling.guidance, 1);
}

TEST(Refine, PairsAreClipsAndTheirDrafts) {
  const DistillConfig config = ParseDistillConfig(RefineDocument("unused"), "test.json");
  const Batch batch =
      WorldLatents(config, MiniModel(), at::kFloat, CpuContext(), ClipLatents::kPairs).Get(0, 0);
  ASSERT_EQ(batch.latents.sizes(), batch.drafts.sizes());
  EXPECT_FALSE(at::allclose(batch.latents, batch.drafts, 1e-2, 1e-2));
  ASSERT_EQ(batch.weights.size(0), 2);
  // Each clip is nearer to its own draft than to another's.
  if (batch.items[0] != batch.items[1]) {
    const at::Tensor own = (batch.latents - batch.drafts).flatten(1).norm(2, {1});
    const at::Tensor other = (batch.latents - batch.drafts.flip(0)).flatten(1).norm(2, {1});
    EXPECT_TRUE((own < other).all().item<bool>());
  }
}

TEST(Refine, RefusesWhatItCannotLearnFrom) {
  const auto error_of = [](const json& change) {
    json document = RefineDocument("unused");
    document.merge_patch(change);
    try {
      ParseDistillConfig(document, "test.json");
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(error_of(json::object()), "no error");
  EXPECT_THAT(error_of({{"teacher", {{"guidance", 4}}}}), HasSubstr("\"teacher\" has no effect"));
  EXPECT_THAT(error_of({{"gates", {{"every_steps", 4}}}}), HasSubstr("\"gates\" has no effect"));
  EXPECT_THAT(error_of({{"sampling", {{"timesteps", {1000, 500}}}}}),
              HasSubstr("begins at level 1"));
  EXPECT_THAT(error_of({{"data", {{"world", nullptr}, {"prepared", "clips"}}}}),
              HasSubstr("give every size"));
  EXPECT_THAT(error_of({{"objective", "guidance"}}), HasSubstr("\"draft\""));
}

}  // namespace
}  // namespace t3
