// Loading: completeness, dtypes, scaled fp8, LoRA, damage.
#include "nn/load.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/check.h"
#include "nn/testing/weight_file.h"

namespace t3 {
namespace {

using ::testing::HasSubstr;

const TensorTable kTable{{"blocks.0.q.weight", {3, 5}},    {"blocks.0.q.bias", {3}},
                         {"blocks.1.q.weight", {3, 5}},    {"blocks.1.q.bias", {3}},
                         {"conv.weight", {4, 2, 1, 2, 2}}, {"modulation", {1, 2, 3}}};

const Naming& TestNaming() {
  static const Naming naming{.network = "test net",
                             .prefixes = {"model.", "transformer."},
                             .foreign = {"vae."},
                             .extras = {"scaled_fp8"},
                             .rules = {{"blocks.#.q", "blocks.#.q", "original"},
                                       {"conv", "conv", "original"},
                                       {"modulation", "modulation", "original"},
                                       {"layers.#.to_q", "blocks.#.q", "other"}}};
  return naming;
}

TestTensors RandomTensors() {
  TestTensors tensors;
  int64_t seed = 1;
  for (const TensorSpec& spec : kTable) {
    at::manual_seed(static_cast<uint64_t>(seed++));
    tensors[spec.name] = at::randn(spec.shape);
  }
  return tensors;
}

TensorMap LoadFrom(const TestTensors& tensors, const LoadOptions& options = {}) {
  return LoadTensors(NameTensors(TestFile("weights.safetensors", tensors), TestNaming()), kTable,
                     TestNaming(), options);
}

TEST(Load, KeepsValuesAndShapes) {
  const TestTensors stored = RandomTensors();
  const TensorMap loaded = LoadFrom(stored);
  ASSERT_EQ(loaded.size(), kTable.size());
  for (const TensorSpec& spec : kTable) {
    EXPECT_TRUE(at::equal(loaded.at(spec.name), stored.at(spec.name))) << spec.name;
  }
}

TEST(Load, ConvertsEachFloatingDType) {
  for (const at::ScalarType type : {at::kDouble, at::kHalf, at::kBFloat16}) {
    TestTensors stored = RandomTensors();
    for (auto& [name, tensor] : stored) tensor = tensor.to(type);
    const TensorMap loaded = LoadFrom(stored);
    for (const auto& [name, tensor] : stored) {
      EXPECT_TRUE(at::equal(loaded.at(name), tensor.to(at::kFloat))) << name << type;
    }
  }
}

TEST(Load, CastsWithExceptionsByName) {
  LoadOptions options;
  options.dtype_for = [](const std::string& name) {
    return name == "modulation" ? at::kFloat : at::kBFloat16;
  };
  const TestTensors stored = RandomTensors();
  const TensorMap loaded = LoadFrom(stored, options);
  EXPECT_EQ(loaded.at("modulation").scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(loaded.at("conv.weight"), stored.at("conv.weight").to(at::kBFloat16)));
}

TEST(Load, ReportsProgressToTheEnd) {
  int64_t last = 0;
  int64_t all = 0;
  LoadOptions options;
  options.progress = [&](int64_t done, int64_t total) {
    EXPECT_GT(done, last);
    last = done;
    all = total;
  };
  LoadFrom(RandomTensors(), options);
  EXPECT_EQ(last, all);
  EXPECT_EQ(all, 4 * (2 * (15 + 3) + 32 + 6));
}

TEST(Load, ListsMissingSurplusAndMisshapen) {
  TestTensors stored = RandomTensors();
  stored.erase("blocks.1.q.bias");
  stored["stranger"] = at::zeros({1});
  stored["modulation"] = at::zeros({1, 3, 3});
  const std::string error = ErrorOf([&] { LoadFrom(stored); });
  EXPECT_THAT(error, HasSubstr("1 tensor is missing: blocks.1.q.bias"));
  EXPECT_THAT(error, HasSubstr("1 tensor is surplus: stranger"));
  EXPECT_THAT(error, HasSubstr("modulation is (1, 3, 3), wanted (1, 2, 3)"));
}

TEST(Load, RejectsIntegerWeights) {
  TestTensors stored = RandomTensors();
  stored["blocks.0.q.bias"] = at::zeros({3}, at::kLong);
  EXPECT_THAT(ErrorOf([&] { LoadFrom(stored); }), HasSubstr("blocks.0.q.bias is stored as I64"));
}

TEST(Load, NamesADamagedWeight) {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    TestTensors stored = RandomTensors();
    stored["conv.weight"].view({-1})[17] = value;
    EXPECT_THAT(ErrorOf([&] { LoadFrom(stored); }), HasSubstr("conv.weight has NaN"));
    LoadOptions options;
    options.check_finite = false;
    EXPECT_EQ(ErrorOf([&] { LoadFrom(stored, options); }), "");
  }
}

TEST(Load, TakesOtherNamesPrefixesAndForeignTensors) {
  TestTensors stored = RandomTensors();
  stored["model.layers.1.to_q.weight"] = stored["blocks.1.q.weight"];
  stored.erase("blocks.1.q.weight");
  stored["vae.conv.weight"] = at::zeros({2});
  const TensorMap loaded = LoadFrom(stored);
  EXPECT_TRUE(at::equal(loaded.at("blocks.1.q.weight"), stored["model.layers.1.to_q.weight"]));
}

TEST(Load, NotesWhatAVariantHasBeside) {
  TestTensors stored = RandomTensors();
  for (const char* name :
       {"blocks.0.gate.weight", "blocks.0.gate.bias", "model.blocks.1.gate.bias"}) {
    stored[name] = at::zeros({2});
  }
  Naming naming = TestNaming();
  naming.unused = {{"blocks.#.gate", "gates are left out"}};
  const NamedViews views = NameTensors(TestFile("gates.safetensors", stored), naming);
  EXPECT_THAT(views.notes, ::testing::ElementsAre("gates are left out"));
  EXPECT_EQ(views.left_out.size(), 3u);
  EXPECT_EQ(ErrorOf([&] { CheckComplete(views, kTable, "test net"); }), "");
}

TEST(Load, AcceptsEqualDuplicatesOnly) {
  TestTensors stored = RandomTensors();
  stored["layers.0.to_q.bias"] = stored["blocks.0.q.bias"].clone();
  EXPECT_EQ(ErrorOf([&] { LoadFrom(stored); }), "");
  stored["layers.0.to_q.bias"][2] = 7;
  EXPECT_THAT(ErrorOf([&] { LoadFrom(stored); }), HasSubstr("both stand for blocks.0.q.bias"));
}

// As codes: the file's own where it has a scale per tensor or per row, else quantised.
TEST(Load, KeepsTheCodesOfAFile) {
  const TestTensors plain = RandomTensors();
  LoadOptions options;
  options.dtype_for = [](const std::string& name) {
    return name.ends_with(".q.weight") ? at::kFloat8_e4m3fn : at::kFloat;
  };
  const at::Tensor codes = plain.at("blocks.0.q.weight").to(at::kFloat8_e4m3fn);
  const at::Tensor rows = at::arange(1, 4, at::kFloat);
  const auto loaded_with = [&](const at::Tensor& weight, const at::Tensor& scale) {
    TestTensors stored = plain;
    stored["blocks.0.q.weight"] = weight;
    if (scale.defined()) stored["blocks.0.q.weight_scale"] = scale;
    return LoadFrom(stored, options);
  };
  for (const auto& [scale, wanted] :
       std::vector<std::pair<at::Tensor, at::Tensor>>{{{}, at::ones({3})},
                                                      {at::full({}, 0.25), at::full({3}, 0.25)},
                                                      {rows, rows},
                                                      {rows.view({3, 1}), rows}}) {
    const TensorMap loaded = loaded_with(codes, scale);
    EXPECT_EQ(loaded.at("blocks.0.q.weight").scalar_type(), at::kFloat8_e4m3fn);
    EXPECT_TRUE(loaded.at("blocks.0.q.weight").view(at::kByte).equal(codes.view(at::kByte)));
    EXPECT_TRUE(at::equal(loaded.at("blocks.0.q.weight_scale"), wanted));
    EXPECT_FALSE(loaded.contains("conv.weight_scale"));
  }
  // A scale per column has no place in a product; bf16 weights are quantised.
  for (const auto& [weight, scale] : std::vector<std::pair<at::Tensor, at::Tensor>>{
           {codes, at::arange(1, 6, at::kFloat).view({1, 5})},
           {plain.at("blocks.0.q.weight").to(at::kBFloat16), at::Tensor()}}) {
    const at::Tensor numbers = weight.to(at::kFloat) * (scale.defined() ? scale : at::ones({1}));
    const TensorMap loaded = loaded_with(weight, scale);
    const Fp8Weight wanted = QuantiseWeight(numbers);
    EXPECT_TRUE(loaded.at("blocks.0.q.weight").view(at::kByte).equal(wanted.codes.view(at::kByte)));
    EXPECT_TRUE(at::equal(loaded.at("blocks.0.q.weight_scale"), wanted.scale));
  }
  at::Tensor damaged = codes.clone();
  damaged.view(at::kByte)[0][0] = 127;
  EXPECT_THAT(ErrorOf([&] { loaded_with(damaged, {}); }), HasSubstr("NaN or infinity"));
  EXPECT_THAT(ErrorOf([&] { loaded_with(codes, at::full({}, NAN)); }),
              HasSubstr("the scale of blocks.0.q.weight has NaN"));
}

// A LoRA is merged before anything becomes codes.
TEST(Load, MergesLorasBeforeQuantising) {
  TestTensors stored = RandomTensors();
  stored["blocks.0.q.weight"] = stored["blocks.0.q.weight"].to(at::kFloat8_e4m3fn);
  stored["blocks.0.q.scale_weight"] = at::full({}, 0.5);
  const at::Tensor up = at::randn({3, 2}), down = at::randn({2, 5});
  const std::string lora = TestPath("lora.safetensors");
  WriteTestFile(lora, {{"blocks.0.q.lora_up.weight", up}, {"blocks.0.q.lora_down.weight", down}});
  LoadOptions options;
  options.loras = {{lora, 1}};
  const at::Tensor merged = LoadFrom(stored, options).at("blocks.0.q.weight");
  options.dtype_for = [](const std::string& name) {
    return name == "blocks.0.q.weight" ? at::kFloat8_e4m3fn : at::kFloat;
  };
  const TensorMap loaded = LoadFrom(stored, options);
  const Fp8Weight wanted = QuantiseWeight(merged);
  EXPECT_TRUE(loaded.at("blocks.0.q.weight").view(at::kByte).equal(wanted.codes.view(at::kByte)));
  EXPECT_TRUE(at::equal(loaded.at("blocks.0.q.weight_scale"), wanted.scale));
}

TEST(Load, DequantisesScaledFp8) {
  for (const at::ScalarType type : {at::kFloat8_e4m3fn, at::kFloat8_e5m2}) {
    const TestTensors plain = RandomTensors();
    TestTensors stored = plain;
    stored["scaled_fp8"] = at::zeros({2}, at::kFloat).to(type);
    stored["blocks.0.q.weight"] = plain.at("blocks.0.q.weight").to(type);
    stored["blocks.0.q.scale_weight"] = at::full({}, 0.25);
    stored["blocks.0.q.scale_input"] = at::full({}, 3.0);
    const at::Tensor rows = at::arange(1, 4, at::kFloat).view({3, 1});
    stored["blocks.1.q.weight"] = plain.at("blocks.1.q.weight").to(type);
    stored["blocks.1.q.weight_scale"] = rows;
    const TensorMap loaded = LoadFrom(stored);
    EXPECT_TRUE(at::equal(loaded.at("blocks.0.q.weight"),
                          stored["blocks.0.q.weight"].to(at::kFloat) * 0.25));
    EXPECT_TRUE(at::equal(loaded.at("blocks.1.q.weight"),
                          stored["blocks.1.q.weight"].to(at::kFloat) * rows));
  }
}

TEST(Load, RejectsScalesThatDoNotFit) {
  TestTensors stored = RandomTensors();
  stored["blocks.0.q.weight"] = stored["blocks.0.q.weight"].to(at::kFloat8_e4m3fn);
  for (const at::Tensor& scale : {at::ones({2}), at::ones({1, 2}), at::ones({3, 3, 1})}) {
    stored["blocks.0.q.scale_weight"] = scale;
    EXPECT_THAT(ErrorOf([&] { LoadFrom(stored); }), HasSubstr("or one per row, column or block"));
  }
}

// The shape decides, also where the weight is square.
TEST(Load, ScalesByColumnAndByRow) {
  const TensorTable square{{"blocks.0.q.weight", {4, 4}}};
  const at::Tensor weight = at::randn({4, 4}).to(at::kFloat8_e4m3fn);
  const at::Tensor factors = at::arange(1, 5, at::kFloat);
  const at::Tensor values = weight.to(at::kFloat);
  for (const auto& [scale, wanted] :
       {std::pair(factors.view({1, -1}), values * factors.view({1, -1})),
        std::pair(factors.view({-1, 1}), values * factors.view({-1, 1})),
        std::pair(factors, values * factors.view({-1, 1}))}) {
    const TestTensors stored{{"blocks.0.q.weight", weight}, {"blocks.0.q.scale_weight", scale}};
    const NamedViews views = NameTensors(TestFile("square.safetensors", stored), TestNaming());
    const TensorMap loaded = LoadTensors(views, square, TestNaming(), {});
    EXPECT_TRUE(at::equal(loaded.at("blocks.0.q.weight"), wanted)) << scale.sizes();
  }
}

// int8 per tensor, row and 2x2 block; per column and row together.
TEST(Load, ScalesOfIntegersAndBlocks) {
  const TensorTable table{{"blocks.0.q.weight", {4, 6}}};
  const at::Tensor weight = at::randint(-127, 128, {4, 6}).to(at::kChar);
  for (const auto& [scale, repeats] :
       {std::pair(at::rand({1}), at::ones({4, 6})), std::pair(at::rand({4, 1}), at::ones({1, 6})),
        std::pair(at::rand({2, 3}), at::ones({2, 2}))}) {
    const TestTensors stored{{"blocks.0.q.weight", weight}, {"blocks.0.q.weight_scale", scale}};
    const NamedViews views = NameTensors(TestFile("int8.safetensors", stored), TestNaming());
    const TensorMap loaded = LoadTensors(views, table, TestNaming(), {});
    const at::Tensor factors = at::kron(scale.view({scale.size(0), -1}), repeats);
    EXPECT_TRUE(at::equal(loaded.at("blocks.0.q.weight"), weight.to(at::kFloat) * factors))
        << scale.sizes();
  }
  const TestTensors bare{{"blocks.0.q.weight", weight}};
  const NamedViews views = NameTensors(TestFile("bare.safetensors", bare), TestNaming());
  EXPECT_THAT(
      ErrorOf([&] { LoadTensors(views, table, TestNaming(), {}); }),
      HasSubstr("is stored as I8, wanted a floating-point dtype, a GGUF type or int8 with"));
}

// In fp32 the values of the Python package gguf, bit for bit; in bf16 those, rounded.
TEST(Load, DequantisesGguf) {
  const std::string oracle = T3_SOURCE_DIR "/tests/data/oracle/gguf";
  const NamedViews views = NameTensors(WeightFile::Open(oracle + ".gguf"), TestNaming());
  const auto expected = WeightFile::Open(oracle + ".expected.safetensors");
  ASSERT_EQ(expected->tensors().size(), 13u);
  for (const auto& [name, view] : expected->tensors()) {
    LoadOptions options;
    options.check_finite = false;
    const at::Tensor wanted = ToTensor(view);
    const at::Tensor values = LoadTensor(views, name, LoraStack({}, {}, TestNaming()), options);
    EXPECT_TRUE(at::equal(values.view_as(wanted), wanted)) << name;
    options.dtype = at::kBFloat16;
    const at::Tensor rounded = LoadTensor(views, name, LoraStack({}, {}, TestNaming()), options);
    EXPECT_TRUE(at::equal(rounded.view_as(wanted), wanted.to(at::kBFloat16))) << name;
  }
}

// Larger than a chunk of 64 MiB in fp32, and so than a task.
TEST(Load, DequantisesChunkByChunk) {
  constexpr int64_t kBlocks = (int64_t{64} << 20) / 4 / 32 + 5;
  std::vector<std::byte> data(kBlocks * 34, std::byte{3});
  data[34 * (kBlocks - 1)] = std::byte{0};
  data[34 * (kBlocks - 1) + 1] = std::byte{0x3C};  // d = 1 in the last block
  const TensorView view{DType::kQ8_0, {kBlocks, 32}, data.data(), kBlocks * 34};
  const at::Tensor values = ToTensor(view);
  EXPECT_TRUE((values[kBlocks - 1] == 3).all().item<bool>());
  EXPECT_TRUE((values.narrow(0, 0, kBlocks - 1) == values[0][0]).all().item<bool>());
  EXPECT_NE(values[0][0].item<float>(), 3);
}

TEST(Load, NamesAScaleWithoutAWeight) {
  TestTensors stored = RandomTensors();
  stored["blocks.7.q.scale_weight"] = at::ones({});
  EXPECT_THAT(ErrorOf([&] { LoadFrom(stored); }),
              HasSubstr("has a scale for blocks.7.q.weight, which the test net does not have"));
}

TEST(Load, NamesTheLoraThatIsNotFinite) {
  const std::string lora = TestPath("bad-lora.safetensors");
  WriteTestFile(lora, {{"blocks.0.q.diff", at::full({3, 5}, NAN)}});
  LoadOptions options;
  options.loras = {{lora, 1}};
  EXPECT_THAT(ErrorOf([&] { LoadFrom(RandomTensors(), options); }), HasSubstr("bad-lora"));
}

TEST(Load, FindsTheTypeThatHoldsTheFileExactly) {
  const TensorTable table{{"a.weight", {2}}, {"norm.weight", {2}, /*fp32=*/true}};
  const auto stored = [&](DType a, DType norm) {
    NamedViews views;
    views.tensors = {{"a.weight", {a, {2}, nullptr, 0}}, {"norm.weight", {norm, {2}, nullptr, 0}}};
    return views;
  };
  EXPECT_EQ(StoredType(stored(DType::kBF16, DType::kF32), table), at::kBFloat16);
  EXPECT_EQ(StoredType(stored(DType::kF16, DType::kF16), table), at::kHalf);
  EXPECT_EQ(StoredType(stored(DType::kF32, DType::kBF16), table), at::kFloat);
  NamedViews scaled = stored(DType::kF8E4M3, DType::kF32);
  EXPECT_EQ(StoredType(scaled, table), at::kFloat);
  scaled = stored(DType::kBF16, DType::kF32);
  scaled.scales["a.weight"] = {DType::kF32, {}, nullptr, 0};
  EXPECT_EQ(StoredType(scaled, table), at::kFloat);
}

TEST(Load, CopesWithUnalignedData) {
  // One byte in front: no file format promises an alignment.
  const at::Tensor values = at::randn({4});
  std::vector<std::byte> memory(1 + 16);
  std::memcpy(memory.data() + 1, values.const_data_ptr(), 16);
  const TensorView view{DType::kF32, {4}, memory.data() + 1, 16};
  EXPECT_TRUE(at::equal(ToTensor(view), values));
}

TEST(Table, CountsBlocks) {
  TensorViews views;
  for (const char* name : {"blocks.0.a", "blocks.11.a", "blocks.2.a", "blocks.x.a", "block.40.a",
                           "blocks.123456789.a", "blocks.77"}) {
    views[name] = {};
  }
  EXPECT_EQ(CountIndexed(views, "blocks"), 12);
  EXPECT_EQ(CountIndexed(views, "layers"), 0);
}

TEST(Table, LimitsLongLists) {
  TensorDifferences differences;
  for (int i = 0; i < 20; ++i) differences.missing.push_back(fmt::format("t{}", i));
  EXPECT_EQ(DescribeDifferences(differences, 3), "20 tensors are missing: t0, t1, t2 and 17 more");
  EXPECT_EQ(DescribeDifferences({}), "");
}

}  // namespace
}  // namespace t3
