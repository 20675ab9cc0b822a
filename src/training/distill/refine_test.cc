// A refiner that learns from clips and their drafts.
#include "training/distill/refine.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/testing/error_of.h"
#include "media/testing/frames.h"
#include "media/video_writer.h"
#include "training/distill/testing/mini_distill.h"
#include "training/dit/prepared_source.h"
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

// What a step learns, by the definition of the reference.
TEST(Refine, TheLossIsThatOfTheDefinition) {
  for (const double guidance : {1.0, 3.0}) {
    json document = RefineDocument("unused");
    if (guidance != 1) document["teacher"] = {{"guidance", guidance}, {"negative_prompt", ""}};
    document["data"]["world"]["object_weight"] = 1;
    const DistillConfig config = ParseDistillConfig(document, "test.json");
    const auto task = MakeTask(config);
    const double loss = task->ForwardBackward(3, 0, 1).loss.item<double>();
    DistillNetworks& networks = task->networks();
    const DistillBatch batch = networks.Get(3, 0);
    const StepRandom random = networks.RandomOf(3, 0);
    const at::Tensor noise = random.Normal(Draw::kNoise, batch.latents.sizes(), at::kCPU);
    const NoisyBatch levels = AddNoise(batch.latents, TimestepTable(config.timesteps), random);
    const at::Tensor start = 0.3 * batch.drafts + 0.7 * noise;
    std::vector<at::Tensor> noisy;
    for (size_t i = 0; i < levels.timesteps.size(); ++i) {
      const auto clip = static_cast<int64_t>(i);
      const double part = levels.timesteps[i] / 700;
      noisy.push_back((1 - part) * batch.latents[clip] + part * start[clip]);
    }
    const at::Tensor x = at::stack(noisy);
    const GuidedTeacher::Texts texts = networks.teacher.Prepare(batch.texts);
    // The student is still the base, so its velocity is the teacher's without guidance.
    const at::Tensor own = networks.teacher.WithoutGuidance(x, levels.timesteps, texts);
    at::Tensor target = (start - batch.latents) / 0.7;
    if (guidance != 1) target = target + networks.teacher.Guided(x, levels.timesteps, texts) - own;
    const at::Tensor errors = (own - target).square().flatten(1).mean(1);
    EXPECT_NEAR(loss, (errors * levels.weights).mean().item<double>(), 1e-4 * loss);
  }
}

TEST(Refine, RefusesWhatItCannotLearnFrom) {
  const auto error_of = [](const json& change) {
    json document = RefineDocument("unused");
    document.merge_patch(change);
    return ErrorOf([&] { ParseDistillConfig(document, "test.json"); });
  };
  EXPECT_EQ(error_of(json::object()), "");
  EXPECT_THAT(error_of({{"timesteps", {{"max", 900}}}}), HasSubstr("no level above 0.7"));
  EXPECT_THAT(error_of({{"gates", {{"every_steps", 4}}}}), HasSubstr("\"gates\" has no effect"));
  EXPECT_THAT(error_of({{"sampling", {{"timesteps", {1000, 500}}}}}),
              HasSubstr("begins at level 1"));
  const json no_draft{{"size", "64x64"}, {"frames", 5}, {"clips", 4}};
  EXPECT_THAT(error_of({{"data", {{"world", {{"sizes", {no_draft}}}}}}}),
              HasSubstr("give every size"));
  EXPECT_THAT(error_of({{"objective", "guidance"}}), HasSubstr("\"draft\""));
  json data{{"world", nullptr}, {"prepared", "data"}};
  EXPECT_EQ(error_of({{"data", data}}), "");
  data["videos"] = {{"source", "clips"}};
  EXPECT_THAT(error_of({{"data", data}}), HasSubstr("give \"data\": {\"videos\"} a \"draft\""));
  data["videos"]["draft"] = "32x32";
  EXPECT_EQ(error_of({{"data", data}}), "");
  EXPECT_THAT(error_of({{"data", data}, {"objective", "guidance"}}), HasSubstr("\"draft\""));
  EXPECT_THAT(ErrorOf([&] {
                ParseDitTrainConfig({{"output", "run"},
                                     {"steps", 1},
                                     {"data", {{"prepared", "data"}, {"videos", data["videos"]}}}},
                                    "test.json");
              }),
              HasSubstr("no effect on the task dit"));
}

// Real videos: a dataset of `t3 prepare` with drafts.
class RefinePrepared : public testing::Test {
 protected:
  RefinePrepared() {
    std::filesystem::create_directory(folder_ / "clips");
    for (const double phase : {1.0, 2.0, 3.0}) {
      const std::string name = fmt::format("clips/{}", phase);
      VideoSettings settings;
      settings.width = settings.height = 64;
      settings.fps = 10;
      const auto writer = OpenVideoWriter(folder_ / (name + ".y4m"), settings);
      for (int i = 0; i < 5; ++i) writer->Write(WaveFrame(64, 64, phase + 0.1 * i).view());
      writer->Finish();
      WriteBytes(folder_ / (name + ".txt"), "Waves");
    }
  }

  // The dataset's folder.
  std::string Prepared(bool drafts, int64_t draft_size = 32, const std::string& vae = "") const {
    ModelFiles files;
    files.model = T3_SOURCE_DIR "/tests/data/reference/mini2.1";
    files.vae = vae;
    RunOptions options;
    options.device = "cpu";
    options.dtype = ComputeDtype::kFp32;
    PrepareRequest request;
    request.source = folder_ / "clips";
    request.output =
        folder_ / (drafts ? fmt::format("pairs-{}-{}", draft_size, vae.size()) : "alone");
    request.sizes = {{64, 64}};
    request.frames = {5};
    request.fps = 10;
    if (drafts) request.draft = {draft_size, draft_size};
    Prepare(files, options, request);
    return request.output;
  }

  DistillConfig Config(const std::string& data) const {
    json document = RefineDocument(folder_ / "run");
    document["data"] = {{"prepared", data}};
    return ParseDistillConfig(document, "test.json");
  }

  TestFolder folder_;
};

TEST_F(RefinePrepared, LearnsFromPairs) {
  const std::string data = Prepared(/*drafts=*/true);
  const DistillConfig config = Config(data);
  const ModelInfo base = MiniModel();
  auto source = std::make_unique<PreparedSource>(data, base, config, PreparedDrafts::kPairs);
  const Batch batch = source->Get(0, 0);
  const PreparedDataset dataset = PreparedDataset::Open(data);
  for (int64_t i = 0; i < 2; ++i) {
    bool found = false;
    for (int64_t item = 0; item < dataset.size(); ++item) {
      if (dataset.Get(item).name != batch.items[static_cast<size_t>(i)]) continue;
      found = true;
      EXPECT_TRUE(batch.latents[i].equal(dataset.Get(item).latents));
      EXPECT_TRUE(batch.drafts[i].equal(dataset.Draft(item)));
    }
    EXPECT_TRUE(found);
  }
  DistillTask task(config, base, OpenTeacher(config, base), std::move(source), at::kFloat,
                   CpuContext());
  std::filesystem::create_directories(config.output);
  Trainer trainer(config, task, CpuContext(), {});
  trainer.Run();
  const auto& log = trainer.log();
  double first = 0, last = 0;
  for (size_t i = 0; i < 6; ++i) first += log[i].loss, last += log[log.size() - 1 - i].loss;
  EXPECT_LT(last, 0.8 * first);
}

TEST_F(RefinePrepared, ARefinerOfDmdStartsFromTheDrafts) {
  const std::string data = Prepared(/*drafts=*/true);
  const DistillConfig config = Config(data);
  const ModelInfo base = MiniModel();
  PreparedSource pairs(data, base, config, PreparedDrafts::kPairs);
  PreparedSource starts(data, base, config, PreparedDrafts::kInPlace);
  PreparedSource clips(data, base, config);
  EXPECT_TRUE(starts.Get(0, 0).latents.equal(pairs.Get(0, 0).drafts));
  EXPECT_FALSE(starts.Get(0, 0).drafts.defined());
  EXPECT_TRUE(clips.Get(0, 0).latents.equal(pairs.Get(0, 0).latents));
  EXPECT_FALSE(clips.Get(0, 0).drafts.defined());
  EXPECT_NE(clips.Digest(), starts.Digest());  // a run does not resume with the other
  const std::string alone = Prepared(/*drafts=*/false);
  EXPECT_EQ(PreparedSource(alone, base, config).Digest(), clips.Digest());
  EXPECT_TRUE(PreparedSource(alone, base, config, PreparedDrafts::kInPlace)
                  .Get(0, 0)
                  .latents.equal(clips.Get(0, 0).latents));
  EXPECT_THAT(ErrorOf([&] { PreparedSource(alone, base, config, PreparedDrafts::kPairs); }),
              HasSubstr("run `t3 prepare` with `draft` WIDTHxHEIGHT"));
}

TEST_F(RefinePrepared, ADatasetIsIdentifiedByTheSizeAndDecoderOfItsDrafts) {
  const auto digest = [&](const std::string& data, PreparedDrafts drafts) {
    return PreparedSource(data, MiniModel(), Config(data), drafts).Digest();
  };
  const std::string large = Prepared(true), small = Prepared(true, 16);
  const std::string decoded =
      Prepared(true, 32, T3_SOURCE_DIR "/tests/data/oracle/taehv_plain.pth");
  for (const PreparedDrafts drafts : {PreparedDrafts::kPairs, PreparedDrafts::kInPlace}) {
    EXPECT_NE(digest(large, drafts), digest(small, drafts));
    EXPECT_NE(digest(large, drafts), digest(decoded, drafts));
  }
  for (const std::string& data : {small, decoded})
    EXPECT_EQ(digest(large, PreparedDrafts::kIgnored), digest(data, PreparedDrafts::kIgnored));
}

}  // namespace
}  // namespace t3
