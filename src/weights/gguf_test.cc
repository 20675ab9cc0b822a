// GGUF files against the values of the Python package gguf.
#include "weights/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "weights/ggml_blocks.h"
#include "weights/tensor_values.h"
#include "weights/testing/test_files.h"
#include "weights/testing/test_folder.h"
#include "weights/weight_file.h"

namespace t3 {
namespace {

using test::Le;
using test::gguf::Pair;
using test::gguf::Whole;

const std::string kOracle = T3_SOURCE_DIR "/tests/data/oracle/gguf";

std::vector<float> FloatsOf(const TensorView& view) {
  std::vector<float> values(static_cast<size_t>(view.elements()));
  std::memcpy(values.data(), view.data, static_cast<size_t>(view.bytes));
  return values;
}

std::vector<float> Dequantised(const TensorView& view) {
  std::vector<float> values(static_cast<size_t>(view.elements()));
  DequantiseBlocks(view.dtype, view.data, view.elements() / BlockOf(view.dtype).elements,
                   values.data());
  return values;
}

// To the bit, but for the sign of NaN: numpy and ggml compute the same roundings.
TEST(Gguf, EveryTypeHasTheOraclesValues) {
  const auto file = WeightFile::Open(kOracle + ".gguf");
  const auto expected = WeightFile::Open(kOracle + ".expected.safetensors");
  int quantised = 0;
  for (const auto& [name, view] : expected->tensors()) {
    SCOPED_TRACE(name);
    const TensorView& stored = file->tensors().at(name);
    EXPECT_EQ(DTypeName(stored.dtype), name);
    EXPECT_EQ(stored.elements(), view.elements());
    if (!IsQuantised(stored.dtype)) continue;
    ++quantised;
    EXPECT_EQ(Dequantised(stored), FloatsOf(view));
    EXPECT_TRUE(AllFinite(stored));
  }
  EXPECT_EQ(quantised, 10);
  EXPECT_EQ(file->format(), "GGUF");
  EXPECT_EQ(file->metadata().at("general.architecture"), "wan");
}

TEST(Gguf, ShapesAreTheOriginalOnes) {
  const auto file = WeightFile::Open(kOracle + ".gguf");
  EXPECT_EQ(file->tensors().at("Q4_K").shape, (std::vector<int64_t>{2, 512}));
  EXPECT_EQ(file->tensors().at("Q8_0").shape, (std::vector<int64_t>{2, 16, 1, 4, 8}));
}

TEST(Gguf, MetadataAreTexts) {
  const std::string bytes =
      Whole({.pairs = {Pair("a", test::gguf::kU32, Le(7, 4)),
                       Pair("b", test::gguf::kF32, Le(0x3F000000, 4)),
                       Pair("c", test::gguf::kText, test::gguf::Text("x\xff")),
                       Pair("d", 1, "\xfe"), Pair("e", 7, "\1")}});
  const ParsedWeights weights = ParseGguf(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(weights.metadata,
            (Metadata{{"a", "7"}, {"b", "0.5"}, {"c", "x\xEF\xBF\xBD"}, {"d", "-2"}, {"e", "1"}}));
  EXPECT_EQ(weights.tensors.at("w").shape, (std::vector<int64_t>{2, 3}));
}

// Names of llama.cpp's splits are those of shards.
TEST(Gguf, SplitFilesAreOne) {
  const test::Folder folder;
  folder.Add("m-00001-of-00002.gguf", Whole({}));
  folder.Add("m-00002-of-00002.gguf", Whole({.tensors = {{.name = "v"}}}));
  const auto file = WeightFile::Open(folder.Path("m-00001-of-00002.gguf"));
  EXPECT_EQ(file->tensors().size(), 2u);
  EXPECT_EQ(file->format(), "GGUF (sharded, 2 files)");
}

TEST(Gguf, BlocksWithoutFiniteValuesAreFound) {
  std::string block = Le(0x7C00, 2) + std::string(32, '\1');  // d is infinite
  const TensorView view{DType::kQ8_0, {32}, reinterpret_cast<const std::byte*>(block.data()), 34};
  EXPECT_FALSE(AllFinite(view));
  block[1] = 0;
  EXPECT_TRUE(AllFinite(view));
}

}  // namespace
}  // namespace t3
