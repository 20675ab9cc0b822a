// Rewritten files hold the same weights; random weights depend on the seed alone.
#include "nn/convert.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/check.h"
#include "nn/random_weights.h"
#include "nn/testing/weight_file.h"

namespace t3 {
namespace {

const TensorTable kConvertTable{{"a.weight", {4, 3}}, {"b.weight", {4, 3}}};
const Naming kConvertNaming{
    .network = "test net",
    .prefixes = {"model."},
    .foreign = {},
    .extras = {},
    .rules = {{"a", "a", "original"}, {"b", "b", "original"}, {"x", "a", "other"}}};

NamedViews ConvertInput(const at::Tensor& a, const at::Tensor& b) {
  return NameTensors(TestFile("in.safetensors",
                              {{"model.x.weight", a},
                               {"model.b.weight", b},
                               {"model.b.scale_weight", at::full({}, 0.5)}},
                              {{"t3.attention", "t3"}, {"note", "kept"}}),
                     kConvertNaming);
}

TEST(Convert, RenamesDequantisesAndKeepsMetadata) {
  const at::Tensor a = at::randn({4, 3}, at::kHalf);
  const at::Tensor b = at::randn({4, 3}).to(at::kFloat8_e4m3fn);
  ConvertOptions options;
  options.metadata = {{"t3.attention", "full"}};
  const std::string path = TestPath("out.safetensors");
  ConvertWeights(ConvertInput(a, b), kConvertTable, kConvertNaming, options, path);
  const auto file = WeightFile::Open(path);
  ASSERT_EQ(file->tensors().size(), 2u);
  EXPECT_TRUE(at::equal(ToTensor(file->tensors().at("a.weight")), a));
  EXPECT_TRUE(at::equal(ToTensor(file->tensors().at("b.weight")),
                        (b.to(at::kFloat) * 0.5).to(at::kBFloat16)));
  EXPECT_EQ(file->metadata().at("t3.attention"), "full");
  EXPECT_EQ(file->metadata().at("note"), "kept");
}

// What a file says about its own form does not hold for the converted one.
TEST(Convert, WritesGgufAsPlainWeights) {
  const auto file = WeightFile::Open(T3_SOURCE_DIR "/tests/data/oracle/gguf.gguf");
  NamedViews views = NameTensors(file, kConvertNaming);
  const TensorTable table{{"Q4_K", {2, 512}}, {"F16", {2, 512}}};
  std::erase_if(views.tensors,
                [](const auto& item) { return item.first != "Q4_K" && item.first != "F16"; });
  views.metadata["t3.attention"] = "t3";
  views.metadata["_quantization_metadata"] = "{}";
  const std::string path = TestPath("plain.safetensors");
  ConvertWeights(views, table, kConvertNaming, {}, path);
  const auto written = WeightFile::Open(path);
  EXPECT_EQ(written->metadata(), (Metadata{{"t3.attention", "t3"}}));
  EXPECT_EQ(written->tensors().at("F16").dtype, DType::kF16);
  EXPECT_TRUE(at::equal(ToTensor(written->tensors().at("Q4_K")),
                        ToTensor(views.tensors.at("Q4_K")).to(at::kBFloat16)));
}

// Codes with a scale per row, which a reader takes as they are or multiplies.
TEST(Convert, WritesCodes) {
  const at::Tensor a = at::randn({4, 3});
  ConvertOptions options;
  options.dtype = at::kBFloat16;
  options.as_codes = [](const std::string& name) { return name == "a.weight"; };
  const std::string path = TestPath("codes.safetensors");
  const NamedViews input = ConvertInput(a, at::randn({4, 3}));
  ConvertWeights(input, kConvertTable, kConvertNaming, options, path);
  const Fp8Weight wanted = QuantiseWeight(a);
  const auto file = WeightFile::Open(path);
  ASSERT_EQ(file->tensors().size(), 3u);
  EXPECT_EQ(file->tensors().at("a.weight").dtype, DType::kF8E4M3);
  EXPECT_EQ(file->tensors().at("a.weight_scale").shape, (std::vector<int64_t>{4, 1}));
  EXPECT_EQ(file->tensors().at("b.weight").dtype, DType::kBF16);
  const NamedViews written = NameTensors(file, kConvertNaming);
  const TensorMap numbers = LoadTensors(written, kConvertTable, kConvertNaming, {});
  EXPECT_TRUE(
      at::equal(numbers.at("a.weight"), wanted.codes.to(at::kFloat) * wanted.scale.unsqueeze(1)));
  const auto codes = StoredFp8Weight(written, "a.weight", at::kCPU);
  ASSERT_TRUE(codes.has_value());
  EXPECT_TRUE(codes->codes.view(at::kByte).equal(wanted.codes.view(at::kByte)));
  EXPECT_TRUE(at::equal(codes->scale, wanted.scale));
  // Converting again changes nothing.
  const std::string again = TestPath("again.safetensors");
  ConvertWeights(written, kConvertTable, kConvertNaming, options, again);
  EXPECT_TRUE(ToTensor(WeightFile::Open(again)->tensors().at("a.weight"))
                  .view(at::kByte)
                  .equal(wanted.codes.view(at::kByte)));
}

TEST(Convert, MergesLorasAndCasts) {
  const at::Tensor a = at::randn({4, 3});
  const at::Tensor up = at::randn({4, 2});
  const at::Tensor down = at::randn({2, 3});
  const std::string lora = TestPath("lora.safetensors");
  WriteTestFile(lora, {{"a.lora_up.weight", up}, {"a.lora_down.weight", down}});
  ConvertOptions options;
  options.dtype = at::kBFloat16;
  options.loras = {{lora, 2}};
  const std::string path = TestPath("out.safetensors");
  ConvertWeights(ConvertInput(a, at::zeros({4, 3})), kConvertTable, kConvertNaming, options, path);
  const at::Tensor merged = ToTensor(WeightFile::Open(path)->tensors().at("a.weight"));
  EXPECT_EQ(merged.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::allclose(merged.to(at::kFloat), a + 2 * at::mm(up, down), 0.01, 0.01));
}

TEST(Convert, LeavesNothingBehindWhenItFails) {
  at::Tensor a = at::randn({4, 3});
  a[1][1] = NAN;
  const std::string path = TestPath("damaged.safetensors");
  const NamedViews views = ConvertInput(a, at::zeros({4, 3}));
  EXPECT_THROW(ConvertWeights(views, kConvertTable, kConvertNaming, {}, path), Error);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Convert, TellsValuesBeyondTheDtypeFromDamage) {
  ConvertOptions options;
  options.dtype = at::kHalf;
  const std::string path = TestPath("range.safetensors");
  const NamedViews views = ConvertInput(at::full({4, 3}, 1e6f), at::zeros({4, 3}));
  const std::string error =
      ErrorOf([&] { ConvertWeights(views, kConvertTable, kConvertNaming, options, path); });
  EXPECT_THAT(error, testing::HasSubstr("does not fit F16: its values in the file reach 1e+06"));
  EXPECT_THAT(error, testing::Not(testing::HasSubstr("damaged")));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(RandomWeights, DependOnSeedAndNameAlone) {
  const TensorSpec spec{"some.weight", {300, 500}};
  const at::Tensor first = RandomTensor(spec, {0, 1}, 3, at::kFloat);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor serial = RandomTensor(spec, {0, 1}, 3, at::kFloat);
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(first, serial));
  EXPECT_FALSE(at::equal(first, RandomTensor(spec, {0, 1}, 4, at::kFloat)));
  EXPECT_FALSE(at::equal(first, RandomTensor({"other.weight", {300, 500}}, {0, 1}, 3, at::kFloat)));
  EXPECT_NEAR(first.mean().item<double>(), 0, 0.01);
  EXPECT_NEAR(first.std().item<double>(), 1, 0.01);
}

TEST(RandomWeights, ScalesFitTheKindOfTensor) {
  EXPECT_DOUBLE_EQ(DefaultScale({"q.weight", {8, 16}}).std, 0.25);
  EXPECT_DOUBLE_EQ(DefaultScale({"conv.weight", {8, 4, 1, 2, 2}}).std, 0.25);
  EXPECT_DOUBLE_EQ(DefaultScale({"blocks.0.modulation", {1, 6, 16}}).std, 0.25);
  EXPECT_DOUBLE_EQ(DefaultScale({"norm_q.weight", {16}}).mean, 1);
  EXPECT_DOUBLE_EQ(DefaultScale({"residual.0.gamma", {16, 1, 1, 1}}).mean, 1);
  EXPECT_DOUBLE_EQ(DefaultScale({"q.bias", {16}}).mean, 0);
}

}  // namespace
}  // namespace t3
