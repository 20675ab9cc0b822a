// Metrics with networks: what frames the networks see, and that values and errors come through.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "arch/aesthetic_head.h"
#include "arch/clip.h"
#include "arch/dover.h"
#include "arch/musiq.h"
#include "models/dover/dover.h"
#include "models/musiq/musiq.h"
#include "nn/testing/oracle_weights.h"
#include "nn/testing/weight_file.h"
#include "score/networks/clip_files.h"
#include "score/networks/clip_network.h"
#include "score/networks/dover_patches.h"
#include "score/networks/frame_picture.h"

namespace t3 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Values = std::map<std::string, double, std::less<>>;

// A clip of OraclePattern frames.
struct PatternClip {
  at::Tensor codes;  // (frames,3,height,width), uint8
  at::Tensor rgb;    // the same, -1 to 1
  ClipInfo info;

  PatternClip(int64_t frames, int64_t height, int64_t width)
      : codes(OraclePattern(frames, height, width)), rgb(codes.to(at::kFloat) / 127.5 - 1) {
    info.width = width;
    info.height = height;
    info.frames = frames;
    info.prompt = "a red ball";
  }
};

Values Score(Metric& metric, const PatternClip& clip) {
  const std::unique_ptr<ClipMetric> one = metric.Start(clip.info);
  for (int64_t i = 0; i < clip.info.frames; ++i) {
    ScoreFrame frame;
    frame.index = i;
    frame.width = clip.info.width;
    frame.height = clip.info.height;
    frame.rgb = clip.rgb[i].const_data_ptr<float>();
    one->Add(frame);
  }
  Values values;
  for (const auto& [name, value] : one->Finish()) values[std::string(name)] = value;
  return values;
}

const MetricGroup& FindGroup(std::string_view name) {
  for (const MetricGroup& group : NetworkMetricGroups()) {
    if (group.name == name) return group;
  }
  throw std::out_of_range("no such group");
}

MetricSetup SetupOf(const std::string& weights) {
  MetricSetup setup;
  setup.weights = weights;
  setup.options.device = "cpu";
  return setup;
}

// Writes the oracle's weights of `table` to a file of this test.
std::string WriteOracle(const std::string& name, const TensorTable& table) {
  TestTensors tensors;
  for (const auto& [tensor, value] : OracleWeights(table)) tensors[tensor] = value;
  WriteTestFile(TestPath(name), tensors);
  return TestPath(name);
}

void WriteText(const std::string& name, const std::string& text) {
  std::ofstream(TestPath(name)) << text;
}

const ClipConfig kTinyClip{.image = {64, 1},
                           .text = {64, 1},
                           .embedding = 24,
                           .patch = 14,
                           .image_size = 28,
                           .context = 12,
                           .vocab_size = 514};
const DoverConfig kTinyDover{.swin_dim = 4,
                             .swin_depths = {1, 1, 1, 1},
                             .swin_heads = {1, 1, 1, 1},
                             .conv_dims = {4, 4, 4, 4},
                             .conv_depths = {1, 1, 1, 1},
                             .head_width = 4};

TEST(FramePicture, ScoredFramesAreTheMiddlesOfEqualParts) {
  const auto scored = [](int64_t frames) {
    std::vector<int64_t> numbers;
    for (int64_t i = 0; i < frames; ++i) {
      if (IsScoredFrame(i, frames)) numbers.push_back(i);
    }
    return numbers;
  };
  EXPECT_EQ(scored(5).size(), 5u);
  EXPECT_THAT(scored(32), ElementsAre(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31));
  for (int64_t frames = 16; frames < 400; ++frames) EXPECT_EQ(scored(frames).size(), 16u) << frames;
  EXPECT_EQ(scored(81).front(), 2);
  EXPECT_EQ(scored(81).back(), 78);
}

TEST(FramePicture, CodesAreThoseOfTheFile) {
  const PatternClip clip(1, 6, 5);
  ScoreFrame frame;
  frame.width = 5;
  frame.height = 6;
  frame.rgb = clip.rgb.const_data_ptr<float>();
  EXPECT_TRUE(at::equal(TensorOf(PictureOf(frame)), clip.codes[0]));
}

// torchvision's transforms of a Pillow picture, as open_clip puts them together.
TEST(ClipView, EqualsOpenClip) {
  const at::Tensor codes = OraclePattern(1, 333, 500)[0].permute({1, 2, 0}).contiguous();
  Image picture{500, 333, {codes.data_ptr<uint8_t>(), codes.data_ptr<uint8_t>() + codes.numel()}};
  EXPECT_LT(OracleError(OracleCrop(ClipView(picture, 224)), OracleValue("clip.view.picture")),
            1e-6);
}

TEST(ClipFiles, TakesTheActivationThatTheFolderNames) {
  std::filesystem::remove_all(TestPath(""));  // an earlier run's files
  const std::string weights = TestPath("model.safetensors"),
                    other = TestPath("open_clip_x.safetensors");
  EXPECT_THAT(ErrorOf([&] { FindClipFiles(weights); }), HasSubstr("merges.txt"));
  WriteText("merges.txt", "heading\n");
  EXPECT_TRUE(FindClipFiles(weights).quick_gelu);
  WriteText("config.json", R"({"vision_config": {"hidden_act": "gelu"}})");
  EXPECT_FALSE(FindClipFiles(weights).quick_gelu);
  EXPECT_FALSE(FindClipFiles(other).quick_gelu);
  WriteText("open_clip_config.json", R"({"model_cfg": {"quick_gelu": true}})");
  EXPECT_FALSE(FindClipFiles(weights).quick_gelu);
  EXPECT_TRUE(FindClipFiles(other).quick_gelu);
  WriteText("config.json", R"({"hidden_act": "relu"})");
  EXPECT_THAT(ErrorOf([&] { FindClipFiles(weights); }), HasSubstr("wanted quick_gelu or gelu"));
}

TEST(NetworkMetrics, ClipTextIsTheMeanCosine) {
  const at::NoGradGuard no_grad;
  const std::string path = WriteOracle("clip.safetensors", ClipTensors(kTinyClip));
  WriteText("merges.txt", "heading\n");
  const PatternClip clip(20, 40, 60);
  const Values values = Score(*FindGroup("clip").open(SetupOf(path)), clip);
  const auto network = ClipNetwork::Open(path, at::kCPU);
  const at::Tensor text = network->Text("a red ball");
  double sum = 0;
  int64_t count = 0;
  for (int64_t i = 0; i < 20; ++i) {
    if (!IsScoredFrame(i, 20)) continue;
    const at::Tensor codes = clip.codes[i].permute({1, 2, 0}).contiguous();
    const Image picture{60, 40, {codes.data_ptr<uint8_t>(), codes.data_ptr<uint8_t>() + 7200}};
    const at::Tensor image = network->Images({ClipView(picture, 28)})[0];
    sum += at::dot(image, text).item<double>();
    EXPECT_NEAR(image.norm().item<double>(), 1, 1e-6);
    ++count;
  }
  EXPECT_EQ(count, 16);
  EXPECT_NEAR(values.at("clip_text"), sum / 16, 1e-6);
}

TEST(NetworkMetrics, AestheticNeedsClip) {
  const std::string clip = WriteOracle("clip.safetensors", ClipTensors(kTinyClip));
  const std::string head = WriteOracle("head.safetensors", AestheticTensors({{24, 8, 8, 8, 8, 1}}));
  const std::string wide =
      WriteOracle("wide.safetensors", AestheticTensors({{768, 8, 8, 8, 8, 1}}));
  WriteText("merges.txt", "heading\n");
  const MetricGroup& group = FindGroup("aesthetic");
  EXPECT_THAT(ErrorOf([&] { group.open(SetupOf(head)); }), HasSubstr("`weights` clip=FILE"));
  MetricSetup setup = SetupOf(head);
  setup.all_weights = {{"clip", clip}, {"aesthetic", head}};
  EXPECT_TRUE(
      std::isfinite(Score(*group.open(setup), PatternClip(3, 30, 30)).at("clip_aesthetic")));
  setup.weights = wide;
  EXPECT_THAT(ErrorOf([&] { group.open(setup); }), HasSubstr("embeddings of 768 values"));
}

TEST(NetworkMetrics, DoverRefusesSmallFrames) {
  const std::string path = WriteOracle("dover.safetensors", DoverTensors(kTinyDover));
  const std::unique_ptr<Metric> metric = FindGroup("dover").open(SetupOf(path));
  EXPECT_THAT(ErrorOf([&] { metric->Start(PatternClip(2, 31, 64).info); }), HasSubstr("32"));
}

TEST(DoverPatches, AreOfTheSizeOfHdFrames) {
  EXPECT_TRUE(PatchesOf(1080, 1920).empty());
  EXPECT_TRUE(PatchesOf(32, 2000).empty());
  const std::vector<DoverPatch> wide = PatchesOf(2176, 3840);
  ASSERT_EQ(wide.size(), 4u);
  EXPECT_EQ(wide[3].top, 1088);
  EXPECT_EQ(wide[3].left, 1920);
  EXPECT_EQ(wide[3].height, 1088);
  EXPECT_EQ(wide[3].width, 1920);
  EXPECT_EQ(PatchesOf(3840, 2160).size(), 4u);
  EXPECT_EQ(PatchesOf(1080, 2881).size(), 2u);
}

// Both patches of the wide clip show the same.
TEST(NetworkMetrics, DoverScoresTheWholeAndItsPatches) {
  const at::NoGradGuard no_grad;
  const std::string path = WriteOracle("dover.safetensors", DoverTensors(kTinyDover));
  PatternClip clip(2, 540, 2880);
  clip.codes.narrow(3, 1440, 1440).copy_(clip.codes.narrow(3, 0, 1440));
  clip.rgb = clip.codes.to(at::kFloat) / 127.5 - 1;
  const Values values = Score(*FindGroup("dover").open(SetupOf(path)), clip);
  const Dover dover(kTinyDover, OracleWeights(DoverTensors(kTinyDover)));
  const auto score_columns = [&](int64_t columns) {
    DoverViews views(2, 540, columns);
    for (int64_t i = 0; i < 2; ++i) views.Add(i, clip.codes[i].narrow(2, 0, columns));
    return dover.Score(views);
  };
  const DoverScores whole = score_columns(2880);
  EXPECT_DOUBLE_EQ(values.at("dover"), whole.fused);
  EXPECT_DOUBLE_EQ(values.at("dover_technical"), whole.technical);
  EXPECT_DOUBLE_EQ(values.at("dover_aesthetic"), whole.aesthetic);
  EXPECT_DOUBLE_EQ(values.at("dover_patches"), score_columns(1440).fused);
}

TEST(NetworkMetrics, MusiqIsTheMeanOfFrames) {
  const at::NoGradGuard no_grad;
  const MusiqConfig config{.patch = 8, .width = 64, .ffn_dim = 8, .layers = 1};
  const std::string path = WriteOracle("musiq.safetensors", MusiqTensors(config));
  const PatternClip clip(2, 30, 40);
  const Musiq musiq(config, OracleWeights(MusiqTensors(config)));
  double sum = 0;
  for (int64_t i = 0; i < 2; ++i) sum += musiq.Score(clip.codes[i].to(at::kFloat) / 255);
  EXPECT_NEAR(Score(*FindGroup("musiq").open(SetupOf(path)), clip).at("musiq"), sum / 2, 1e-6);
}

TEST(NetworkMetrics, NameTheFileOfAnotherNetwork) {
  const std::string other = TestPath("other.safetensors");
  WriteTestFile(other, {{"blocks.0.weight", at::zeros({2, 2})}});
  for (const MetricGroup& group : NetworkMetricGroups()) {
    MetricSetup setup = SetupOf(other);
    setup.all_weights = {{"clip", other}};
    EXPECT_THAT(ErrorOf([&] { group.open(setup); }), HasSubstr(other)) << group.name;
    EXPECT_THROW(group.open(SetupOf("/absent/file.pth")), Error) << group.name;
    setup.options.dtype = ComputeDtype::kBf16;
    EXPECT_THAT(ErrorOf([&] { group.open(setup); }), HasSubstr("in fp32")) << group.name;
  }
}

}  // namespace
}  // namespace t3
