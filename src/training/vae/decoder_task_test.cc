// A small decoder that learns from a VAE.
#include "training/vae/decoder_task.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "arch/taehv.h"
#include "base/check.h"
#include "base/testing/error_of.h"
#include "loading/decoder_file.h"
#include "loading/tensor_file.h"
#include "models/taehv/taehv.h"
#include "models/taehv/testing/reference_taehv.h"
#include "models/vae/testing/random_vae.h"
#include "training/loop/trainer.h"
#include "training/vae/decoder_report.h"
#include "training/vae/latent_statistics.h"
#include "training/vae/taehv_student.h"
#include "training/vae/world_clips.h"
#include "weights/testing/test_folder.h"
#include "world/held_out.h"
#include "world/world.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int64_t kLatentChannels = 4;

TaehvConfig SmallTaehv(TaehvBlocks blocks = TaehvBlocks::kPlain) {
  return {
      .blocks = blocks, .latent_channels = kLatentChannels, .widths = {8, 8, 8}, .last_width = 8};
}

// A teacher with statistics of its own, and students of both shapes.
struct DecoderFiles {
  explicit DecoderFiles(const test::Folder& folder)
      : teacher(folder.Path("teacher.safetensors")),
        taehv(folder.Path("small.safetensors")),
        narrow(folder.Path("narrow.safetensors")) {
    VaeConfig sizes = SmallVaeConfig(VaeVersion::k21, kLatentChannels, 4, 8);
    sizes.mean.assign(kLatentChannels, 0.1);
    sizes.std.assign(kLatentChannels, 0.7);
    SaveVae(teacher, sizes, RandomVaeTensors(sizes, 3));
    sizes.decoder_dim = 4;
    SaveVae(narrow, sizes, RandomVaeTensors(sizes, 4));
    std::vector<std::pair<std::string, at::Tensor>> tensors;
    for (const auto& [name, tensor] : RandomTaehvTensors(SmallTaehv(), 5)) {
      tensors.emplace_back(name, tensor);
    }
    SaveTensors(taehv, tensors, TaehvMetadata(SmallTaehv()));
  }
  std::string teacher, taehv, narrow;
};

nlohmann::json DecoderDocument(const DecoderFiles& files, const std::string& output,
                               const std::string& student) {
  return {{"task", "vae"},
          {"model", {{"vae", files.teacher}}},
          {"student", {{"decoder", student}}},
          {"output", output},
          {"loss", {{"gradient", 0.5}, {"texture", 1}}},
          {"data",
           {{"world",
             {{"batches",
               {{{"size", "32x24"}, {"frames", 5}, {"turns", 2}, {"clips", 2}},
                {{"size", "40x24"}, {"frames", 1}, {"clips", 2}}}},
              {"measured", {{"size", "32x24"}, {"frames", 5}, {"clips", 2}}},
              {"held_out", {{{"size", "32x24"}, {"frames", 5}, {"clips", 2}}}}}}}},
          {"gates", {{"every_steps", 4}}},
          {"steps", 16},
          {"seed", 5},
          {"device", "cpu"},
          {"dtype", "fp32"},
          {"ema", 0.5},
          {"optimizer", {{"lr", 3e-3}}}};
}

DecoderTask MakeDecoderTask(const VaeTrainConfig& config) {
  return {config, OpenVaeFile(config.model.vae),
          std::make_unique<WorldClips>(config.world, config.seed, config.accumulation, at::kCPU),
          at::kFloat, at::kCPU};
}

struct DecoderRun {
  TensorMap weights;
  std::vector<LogEntry> log;
};

DecoderRun RunDecoder(const VaeTrainConfig& config) {
  static const ProgressFn none;
  static const RunContext context{none, nullptr, at::kCPU};
  fs::create_directories(config.output);
  DecoderTask task = MakeDecoderTask(config);
  TrainHooks hooks;
  hooks.gate_every = config.gates_every;
  hooks.gate = [&](const TensorMap& weights) { return task.Gate(weights); };
  Trainer trainer(config, task, context, hooks);
  trainer.Run();
  return {trainer.weights(), trainer.log()};
}

TEST(DecoderTask, TheDifferentiableTaehvIsTheStreamingOne) {
  for (const TaehvBlocks blocks : {TaehvBlocks::kPlain, TaehvBlocks::kSuper}) {
    const TaehvConfig config = SmallTaehv(blocks);
    const TensorMap tensors = RandomTaehvTensors(config, 9);
    const at::Tensor latents =
        at::randn({2, kLatentChannels, 3, 2, 4}, at::make_generator<at::CPUGeneratorImpl>(1));
    const c10::NoGradGuard no_grad;
    const at::Tensor decoded = DecodeTaehv(config, tensors, latents);
    ASSERT_EQ(decoded.sizes(), at::IntArrayRef({2, 3, 9, 16, 32}));
    for (int64_t clip = 0; clip < 2; ++clip) {
      EXPECT_TRUE(at::allclose(decoded[clip].clamp(-1, 1),
                               Taehv(config, tensors).Decode(latents[clip]), 1e-4, 1e-5));
    }
  }
}

// Both shapes learn, are resumed bit for bit, and write a file that decodes as they do.
void ExpectLearnsAndResumes(std::string DecoderFiles::*student, const char* written) {
  const test::Folder folder;
  const DecoderFiles files(folder);
  const auto config_of = [&](const char* output, int64_t steps) {
    nlohmann::json document = DecoderDocument(files, folder.Path(output), files.*student);
    document["steps"] = steps;
    return ParseVaeTrainConfig(document, "test.json");
  };
  const VaeTrainConfig config = config_of("straight", 16);
  const GateResult before = MakeDecoderTask(config).Gate(MakeDecoderTask(config).leaves());
  const DecoderRun straight = RunDecoder(config);
  EXPECT_LT(straight.log.back().values.at("gate_error"), before.values.at("gate_error"));
  EXPECT_GT(straight.log.back().values.at("psnr"), before.values.at("psnr"));
  RunDecoder(config_of("resumed", 6));
  const DecoderRun resumed = RunDecoder(config_of("resumed", 16));
  for (const auto& [name, tensor] : straight.weights) {
    EXPECT_TRUE(resumed.weights.at(name).equal(tensor)) << name;
  }
  const std::string path = config.output + "/" + written;
  const DecoderFile file = OpenDecoderFile(path, "`decoder`", nullptr);
  CheckDecoderFits(file, kLatentChannels, 8, "the teacher");
  static const ProgressFn none;
  static const RunContext context{none, nullptr, at::kCPU};
  const auto decoder = LoadDecoderFile(file, at::kFloat, context);
  DecoderTask task = MakeDecoderTask(config);
  const GateResult of_weights = task.Gate(straight.weights);
  std::ifstream report(config.output + "/decoder.json");
  const auto measured = nlohmann::json::parse(report).at("32x24x5");
  EXPECT_NEAR(measured["psnr"].get<double>(), of_weights.values.at("psnr"), 1e-6);
  EXPECT_NEAR(measured["detail"].get<double>(), of_weights.values.at("gate_detail"), 1e-6);
  const VaeFile teacher = OpenVaeFile(files.teacher);
  const TensorMap random = RandomVaeTensors(teacher.config, 3);
  const WorldClips clips(config.world, config.seed, 1, at::kCPU);
  EXPECT_NEAR(MeasureDecoder(Vae(teacher.config, random), *decoder, clips.HeldOut()[0])[0].psnr,
              measured["psnr"].get<double>(), 1.0);
}
TEST(DecoderTask, ATaehvLearnsAndResumes) {
  ExpectLearnsAndResumes(&DecoderFiles::taehv, "decoder.safetensors");
}
TEST(DecoderTask, ANarrowerVaeDecoderLearnsAndResumes) {
  ExpectLearnsAndResumes(&DecoderFiles::narrow, "Wan2.1_VAE.safetensors");
}

TEST(DecoderTask, TheFramesOfTheTeacherAreAnotherTarget) {
  const test::Folder folder;
  const DecoderFiles files(folder);
  const auto loss_with = [&](const char* target) {
    nlohmann::json document = DecoderDocument(files, folder.Path("x"), files.taehv);
    document["student"]["target"] = target;
    DecoderTask task = MakeDecoderTask(ParseVaeTrainConfig(document, "test.json"));
    return task.ForwardBackward(0, 0, 1).loss.item<double>();
  };
  EXPECT_NE(loss_with("clip"), loss_with("teacher"));
}

TEST(DecoderTask, BlurShowsInTheDetailAndNotMuchInThePsnr) {
  const at::Tensor video =
      RenderScene(HeldOutScene(1), {.width = 64, .height = 48, .frames = 5}, at::kCPU);
  // Decodes to blurred clips, whatever the latents.
  class Blurred : public VideoDecoder {
   public:
    explicit Blurred(at::Tensor video) : video_(std::move(video)) {}
    PlannedDecode PlanFor(const Grid&, int64_t) const override {
      PlannedDecode plan;
      plan.run = [this](const at::Tensor&, const RowSink& sink, const PollFn&) {
        for (int64_t i = 0; i < video_.size(1); ++i) {
          sink({video_.narrow(1, i, 1).contiguous(), i, 0});
        }
      };
      return plan;
    }
    int64_t spatial_stride() const override { return 8; }
    void CheckLatents(const at::Tensor&) const override {}

   private:
    at::Tensor video_;
  };
  const VaeConfig sizes = SmallVaeConfig(VaeVersion::k21, kLatentChannels, 4, 4);
  const Vae teacher(sizes, RandomVaeTensors(sizes, 3));
  const ClipSet set{"one", 1, [&](int64_t) { return video; }};
  const auto measure = [&](const at::Tensor& decoded) {
    return MeasureDecoder(teacher, Blurred(decoded), set)[0];
  };
  EXPECT_NEAR(measure(video).detail, 1, 1e-6);
  const at::Tensor blurred =
      at::avg_pool2d(video.transpose(0, 1), 3, 1, 1, false, false).transpose(0, 1).contiguous();
  EXPECT_LT(measure(blurred).detail, 0.5);
  EXPECT_GT(measure(blurred).psnr, 15);
}

TEST(DecoderTask, RefusesStudentsThatDoNotFitAndFieldsWithoutEffect) {
  const test::Folder folder;
  const DecoderFiles files(folder);
  const auto error_with = [&](const std::string& student, const nlohmann::json& more) {
    nlohmann::json document = DecoderDocument(files, folder.Path("x"), student);
    document.update(more, /*merge_objects=*/true);
    return ErrorOf([&] { MakeDecoderTask(ParseVaeTrainConfig(document, "test.json")); });
  };
  EXPECT_EQ(error_with(files.taehv, nlohmann::json::object()), "");
  EXPECT_THAT(error_with(T3_SOURCE_DIR "/tests/data/reference/i2v.png", nlohmann::json::object()),
              HasSubstr("i2v.png"));
  EXPECT_THAT(error_with(T3_SOURCE_DIR "/tests/data/reference/mini2.1/Wan2.1_VAE.pth",
                         nlohmann::json::object()),
              HasSubstr("latent"));
  EXPECT_THAT(error_with("", nlohmann::json::object()), HasSubstr("needs \"decoder\""));
  EXPECT_THAT(error_with(files.taehv, {{"train_part", "decoder"}}), HasSubstr("have no effect"));
  EXPECT_THAT(error_with(files.taehv, {{"loss", {{"kl", 1}}}}), HasSubstr("have no effect"));
  EXPECT_THAT(error_with(files.taehv, {{"student", {{"target", "both"}}}}), HasSubstr("target"));
}

}  // namespace
}  // namespace t3
