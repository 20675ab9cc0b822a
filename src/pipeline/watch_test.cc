// What watches a run: digests, differences, layers that overflow, black videos, previews.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "loading/tensor_file.h"
#include "media/video_writer.h"
#include "nn/load.h"
#include "nn/testing/weight_file.h"
#include "pipeline/not_finite.h"
#include "pipeline/preview/preview_map.h"
#include "pipeline/state/settings.h"
#include "pipeline/video_check.h"
#include "runtime/file_digest.h"
#include "t3video/engine.h"

namespace t3 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string MiniModel() { return T3_SOURCE_DIR "/tests/data/reference/mini2.1"; }

TEST(Watch, DigestsAreSha1) {
  EXPECT_EQ(TextDigest("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(TextDigest(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  const std::string path = TestPath("abc");
  std::ofstream(path) << "abc";
  EXPECT_EQ(FileDigest(path), "sha1:a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(DescribeFile(path)["bytes"], 3);
}

TEST(Watch, LargeFilesAreSampled) {
  const std::string path = TestPath("large");
  const std::string data(70'000'000, 'x');
  std::ofstream(path) << data;
  const std::string before = FileDigest(path);
  EXPECT_TRUE(before.starts_with("sha1-sampled:"));
  std::fstream(path, std::ios::in | std::ios::out).seekp(69'000'000) << "y";  // in the last MiB
  EXPECT_NE(FileDigest(path), before);
  std::ofstream(path) << data << "x";
  EXPECT_NE(FileDigest(path), before);
  std::filesystem::remove(path);
}

TEST(Watch, DifferencesNameValues) {
  EXPECT_THAT(Differences({{"steps", 8}, {"seed", 1}}, {{"steps", 8}, {"seed", 1}}), IsEmpty());
  EXPECT_THAT(Differences({{"steps", 8}, {"seed", 1}}, {{"steps", 10}, {"noise", "x"}}),
              ElementsAre("steps (8, now 10)", "seed (1, now null)", "noise (null, now \"x\")"));
}

// PEFT has the strength of a LoRA in a file next to it: another strength is another run.
TEST(Watch, TheConfigurationOfALoraIsAnInput) {
  const std::string folder = TestPath("adapter");
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/adapter_model.safetensors") << "weights";
  std::filesystem::remove(folder + "/adapter_config.json");
  ModelInfo model;
  model.loras = {{folder + "/adapter_model.safetensors", 0.5}};
  const auto input = [&] {
    return RunInputs(model, Job{}, RunSettings{}, WeightDigests(model))["loras"][0]
        .get<std::string>();
  };
  const std::string alone = input();
  EXPECT_EQ(alone, FileDigest(model.loras[0].path) + " x 0.5");
  const auto with_alpha = [&](const std::string& alpha) {
    std::ofstream(folder + "/adapter_config.json") << "{\"lora_alpha\": " << alpha << "}";
    return input();
  };
  EXPECT_TRUE(with_alpha("16").starts_with(alone + " by sha1:"));
  EXPECT_NE(with_alpha("16"), with_alpha("32"));
  std::filesystem::remove_all(folder);
}

// The small model's denoiser with one weight so large that its product overflows.
TEST(Watch, OverflowIsTracedToItsLayer) {
  const c10::NoGradGuard no_grad;
  const auto file = WeightFile::Open(MiniModel() + "/diffusion_pytorch_model.safetensors");
  const ModelInfo model = OpenModel({.model = MiniModel()});
  const Grid grid{1, 2, 2};
  const AttentionLayout attention =
      AttentionLayout::Make(AttentionPattern::kFull, {WindowCounts{}}, grid, model.dit.num_layers,
                            model.dit.head_dim(), at::kCPU);
  const auto culprit = [&](const std::string& weight) {
    TensorMap tensors;
    for (const auto& [name, view] : file->tensors()) tensors[name] = ToTensor(view);
    if (!weight.empty()) tensors.at(weight).fill_(3e38);
    const Dit dit(model.dit, tensors);
    const at::Tensor latents = at::ones({16, 1, 4, 4});
    const TextContext text = dit.PrepareText(at::ones({3, model.dit.text_dim}));
    return FirstNotFinite(dit, {latents, 500, 0}, text, attention).name;
  };
  EXPECT_EQ(culprit(""), "");
  EXPECT_EQ(culprit("blocks.3.ffn.0.weight"), "blocks.3");
  EXPECT_THAT(culprit("text_embedding.0.weight"), HasSubstr("text_embedding"));
}

TEST(Watch, ARunStopsAtTheStepThatOverflows) {
  const ModelInfo model = OpenModel({.model = MiniModel()});
  const std::string embeds = TestPath("embeds.safetensors");
  SaveTensors(embeds, {{"prompt", at::full({3, model.dit.text_dim}, 3e38)}}, {});
  Engine engine({.model = MiniModel()}, {.device = "cpu", .dtype = ComputeDtype::kFp32});
  Request request;
  request.text_embeds = embeds;
  request.params.size = VideoSize{32, 32};
  request.params.frames = 1;
  request.params.guidance = 1;
  request.output.path = TestPath("x.safetensors");
  EXPECT_THAT(ErrorOf([&] { engine.Generate(request); }),
              ::testing::AllOf(HasSubstr("step 1 of 50"), HasSubstr("text_embedding")));
}

// A video of `value` everywhere but one pixel a frame, which has `spot`.
std::string VideoOf(const std::string& name, float value, float spot) {
  const std::string path = TestPath(name);
  VideoSettings settings;
  settings.width = settings.height = 16;
  settings.pixel_format = "yuv444p";
  const auto writer = OpenVideoWriter(path, settings);
  for (int i = 0; i < 2; ++i) {
    std::vector<float> plane(16 * 16, value);
    plane[17] = spot;
    FrameView frame;
    frame.width = frame.height = frame.row_stride = 16;
    for (const float*& p : frame.planes) p = plane.data();
    writer->Write(frame);
  }
  writer->Finish();
  return path;
}

TEST(Watch, BlackAndConstantVideosAreReported) {
  VideoGeometry geometry;
  geometry.width = geometry.height = 16;
  geometry.frames = 2;
  EXPECT_THAT(CheckVideo(VideoOf("black.y4m", -1, -0.95F), geometry),
              ElementsAre(HasSubstr("black")));
  EXPECT_THAT(CheckVideo(VideoOf("grey.y4m", 0.2F, 0.2F), geometry),
              ElementsAre(HasSubstr("one colour")));
  EXPECT_THAT(CheckVideo(VideoOf("good.y4m", 0.2F, 0.6F), geometry), IsEmpty());
  geometry.frames = 3;
  EXPECT_THAT(ErrorOf([&] { CheckVideo(TestPath("good.y4m"), geometry); }),
              HasSubstr("reads back with 2"));
}

TEST(Watch, PreviewFindsALinearMap) {
  const at::Tensor latents = at::randn({500, 4}, at::kDouble);
  const at::Tensor matrix = at::randn({3, 4}, at::kDouble);
  const at::Tensor bias = at::randn({3}, at::kDouble);
  const ColourMap map = SolveColours(latents, latents.matmul(matrix.t()) + bias);
  // The ridge is a millionth of the mean square of a channel.
  EXPECT_LT((map.matrix - matrix).abs().max().item<double>(), 1e-4);
  EXPECT_LT((map.bias - bias).abs().max().item<double>(), 1e-4);
  const at::Tensor picture = at::randn({4, 2, 3});
  const at::Tensor colours = map.Apply(picture);
  EXPECT_EQ(colours.sizes(), at::IntArrayRef({3, 2, 3}));
  const at::Tensor want =
      (matrix.matmul(picture.to(at::kDouble).select(2, 1).select(1, 0)) + bias).clamp(-1, 1);
  EXPECT_LT((colours.select(2, 1).select(1, 0) - want).abs().max().item<double>(), 1e-3);
}

}  // namespace
}  // namespace t3
