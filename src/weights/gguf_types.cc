// The table of types.
#include "weights/gguf_types.h"

#include <algorithm>
#include <array>

namespace t3 {
namespace {

// Q8_1 and Q8_K are formats of intermediate results, the IQ types need ggml's codebooks.
constexpr std::array<GgufType, 33> kGgufTypes{{
    {0, "F32", DType::kF32},      {1, "F16", DType::kF16},       {2, "Q4_0", DType::kQ4_0},
    {3, "Q4_1", DType::kQ4_1},    {6, "Q5_0", DType::kQ5_0},     {7, "Q5_1", DType::kQ5_1},
    {8, "Q8_0", DType::kQ8_0},    {9, "Q8_1", std::nullopt},     {10, "Q2_K", DType::kQ2K},
    {11, "Q3_K", DType::kQ3K},    {12, "Q4_K", DType::kQ4K},     {13, "Q5_K", DType::kQ5K},
    {14, "Q6_K", DType::kQ6K},    {15, "Q8_K", std::nullopt},    {16, "IQ2_XXS", std::nullopt},
    {17, "IQ2_XS", std::nullopt}, {18, "IQ3_XXS", std::nullopt}, {19, "IQ1_S", std::nullopt},
    {20, "IQ4_NL", std::nullopt}, {21, "IQ3_S", std::nullopt},   {22, "IQ2_S", std::nullopt},
    {23, "IQ4_XS", std::nullopt}, {24, "I8", DType::kI8},        {25, "I16", DType::kI16},
    {26, "I32", DType::kI32},     {27, "I64", DType::kI64},      {28, "F64", DType::kF64},
    {29, "IQ1_M", std::nullopt},  {30, "BF16", DType::kBF16},    {34, "TQ1_0", std::nullopt},
    {35, "TQ2_0", std::nullopt},  {39, "MXFP4", std::nullopt},   {40, "NVFP4", std::nullopt},
}};

}  // namespace

const GgufType* FindGgufType(uint32_t id) {
  const auto found = std::find_if(kGgufTypes.begin(), kGgufTypes.end(),
                                  [id](const GgufType& type) { return type.id == id; });
  return found == kGgufTypes.end() ? nullptr : &*found;
}

}  // namespace t3
