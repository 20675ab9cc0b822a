// Padded rows of text and their biases.
#include "models/dit/text_rows.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace t3 {
namespace {

// Each bf16 row covers all but 2^-6 of the rest, so three leave 4e-6.
constexpr int64_t kBf16Rows = 3;
// Kernels take whole tiles of keys.
constexpr int64_t kKeyTile = 64;

// The largest bf16 number <= value: 8 bits of its fraction.
double Bf16Floor(double value) {
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  return std::ldexp(std::floor(std::ldexp(fraction, 8)), exponent - 8);
}

// Biases of the rows that stand for `padded` equal ones.
std::vector<double> PaddingBiases(int64_t padded, TextPadding padding) {
  const int64_t max_rows = padding == TextPadding::kOne ? 1 : kBf16Rows;
  if (padding == TextPadding::kAll || padded <= max_rows) {
    return std::vector<double>(static_cast<size_t>(padded), 0.0);
  }
  if (padding == TextPadding::kOne) return {std::log(static_cast<double>(padded))};
  std::vector<double> biases;
  auto rest = static_cast<double>(padded);
  while (std::ssize(biases) < kBf16Rows && rest > 0) {
    biases.push_back(Bf16Floor(std::log(rest)));
    rest -= std::exp(biases.back());
  }
  return biases;
}

}  // namespace

int64_t TextRows(const std::vector<int64_t>& lengths, int64_t text_len, TextPadding padding) {
  if (padding == TextPadding::kAll) return text_len;
  int64_t rows = 0;
  for (const int64_t length : lengths) {
    rows = std::max(rows, length + std::ssize(PaddingBiases(text_len - length, padding)));
  }
  if (padding == TextPadding::kOne) return rows;
  return std::min(text_len, (rows + kKeyTile - 1) / kKeyTile * kKeyTile);
}

at::Tensor TextBias(const std::vector<int64_t>& lengths, int64_t text_len, int64_t rows,
                    TextPadding padding) {
  const at::Tensor bias = at::zeros({std::ssize(lengths), rows}, at::kFloat);
  float* values = bias.mutable_data_ptr<float>();  // tensor operations are too slow for a batch
  bool any = false;
  for (const int64_t length : lengths) {
    const std::vector<double> biases = PaddingBiases(text_len - length, padding);
    std::copy(biases.begin(), biases.end(), values + length);
    std::fill(values + length + std::ssize(biases), values + rows, -INFINITY);
    any = any || std::any_of(values, values + rows, [](float value) { return value != 0; });
    values += rows;
  }
  return any ? bias : at::Tensor();
}

}  // namespace t3
