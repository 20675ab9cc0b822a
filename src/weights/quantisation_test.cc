// Quantised forms are named; plain and scaled fp8 files are not taken for them.
#include "weights/quantisation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"

namespace t3 {
namespace {

using ::testing::HasSubstr;

const TensorView kWeight{DType::kBF16, {4, 4}, nullptr, 32};
const TensorView kFp8{DType::kF8E4M3, {4, 4}, nullptr, 16};
const TensorView kBytes{DType::kU8, {4, 2}, nullptr, 8};
const TensorView kScale{DType::kF32, {}, nullptr, 4};

TensorView Text(std::string_view text) {
  return {DType::kU8,
          {static_cast<int64_t>(text.size())},
          reinterpret_cast<const std::byte*>(text.data()),
          static_cast<int64_t>(text.size())};
}

TEST(Quantisation, ReadableFormsAreNotNamed) {
  EXPECT_EQ(FindUnsupportedQuantisation({{"a.weight", kWeight}, {"a.bias", kWeight}}, {}), "");
  EXPECT_EQ(FindUnsupportedQuantisation({{"a.weight", kFp8}, {"a.scale_weight", kScale}}, {}), "");
  EXPECT_EQ(FindUnsupportedQuantisation({{"a.weight", kFp8},
                                         {"a.weight_scale", kScale},
                                         {"a.comfy_quant", Text(R"({"format":"float8_e4m3fn"})")}},
                                        {}),
            "");
  const TensorView int8{DType::kI8, {4, 4}, nullptr, 16};
  for (const char* declared :
       {R"({"format":"int8_tensorwise"})", R"({"format":"int8_tensorwise","convrot":false})",
        R"({"format":"int8_blockwise","group_size":128})"}) {
    EXPECT_EQ(
        FindUnsupportedQuantisation(
            {{"a.weight", int8}, {"a.weight_scale", kScale}, {"a.comfy_quant", Text(declared)}},
            {}),
        "")
        << declared;
  }
  EXPECT_EQ(FindUnsupportedQuantisation({{"a.weight", {DType::kQ4K, {4, 256}, nullptr, 576}}}, {}),
            "");
  EXPECT_EQ(FindUnsupportedQuantisation(
                {{"a.weight", kFp8}},
                {{"_quantization_metadata",
                  R"({"format_version":"1.0","layers":{"a":{"format":"float8_e4m3fn"}}})"}}),
            "");
}

TEST(Quantisation, DeclaredFormats) {
  const auto declared = [](std::string_view text) {
    return FindUnsupportedQuantisation({{"a.comfy_quant", Text(text)}}, {});
  };
  EXPECT_THAT(declared(R"({"format":"nvfp4"})"), HasSubstr("NVFP4 ('a.comfy_quant')"));
  EXPECT_THAT(declared(R"({"format":"mxfp8"})"), HasSubstr("MXFP8"));
  EXPECT_THAT(declared(R"({"format":"int8_tensorwise","convrot":true,"convrot_groupsize":256})"),
              HasSubstr("'int8_tensorwise', rotated"));
  EXPECT_THAT(declared(R"({"format":"asym_w4a8_int8"})"), HasSubstr("'asym_w4a8_int8'"));
  EXPECT_THAT(declared(R"({"format":"float8_e4m3fn","rotation":16})"), HasSubstr("rotated"));
  EXPECT_THAT(declared(R"({"format":"float8_e4m3fn","zero_point":3})"), HasSubstr("zero_point"));
  EXPECT_THAT(declared(R"({"format":"of_next_year"})"), HasSubstr("'of_next_year'"));
  EXPECT_THAT(declared("[]"), HasSubstr("an undeclared format"));
  EXPECT_THAT(FindUnsupportedQuantisation(
                  {}, {{"_quantization_metadata", R"({"layers":{"a.b":{"format":"nvfp4"}}})"}}),
              HasSubstr("NVFP4 ('a.b')"));
}

TEST(Quantisation, NamesAndDTypes) {
  const auto beside = [](const char* suffix) {
    return FindUnsupportedQuantisation({{"a.weight", kWeight}, {std::string("a") + suffix, kScale}},
                                       {});
  };
  EXPECT_THAT(beside(".wscales"), HasSubstr("SVDQuant"));
  EXPECT_THAT(beside(".qzeros"), HasSubstr("GPTQ or AWQ"));
  EXPECT_THAT(beside(".weight.absmax"), HasSubstr("bitsandbytes"));
  EXPECT_THAT(beside(".weight.quant_state.bitsandbytes__nf4"), HasSubstr("NF4"));
  EXPECT_THAT(beside(".SCB"), HasSubstr("int8 by bitsandbytes"));
  EXPECT_THAT(beside(".weight_scale_2"), HasSubstr("NVFP4"));
  EXPECT_THAT(beside(".weight_scale_inv"), HasSubstr("block-wise fp8"));
  EXPECT_THAT(beside(".int8_weight"), HasSubstr("TurboDiffusion's int8"));
  EXPECT_THAT(beside(".pre_quant_scale"), HasSubstr("scales of the inputs"));
  const TensorView int8{DType::kI8, {4, 4}, nullptr, 16};
  EXPECT_THAT(FindUnsupportedQuantisation({{"a.weight", int8}}, {}),
              HasSubstr("int8 without scales ('a.weight')"));
  EXPECT_THAT(FindUnsupportedQuantisation({{"a.weight", kBytes}}, {}), HasSubstr("packed"));
  EXPECT_THAT(FindUnsupportedQuantisation({{"a.weight", kFp8}, {"a.weight_scale", kBytes}}, {}),
              HasSubstr("MXFP8"));
}

TEST(Quantisation, TheErrorSaysWhatToUse) {
  try {
    CheckNotQuantised({{"a.qweight", kBytes}}, {}, "F.safetensors");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("F.safetensors is quantised to packed integers"));
    EXPECT_THAT(error.what(), HasSubstr("use the model's fp32, fp16, bf16, fp8 or GGUF"));
  }
}

}  // namespace
}  // namespace t3
