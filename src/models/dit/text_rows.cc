// Padded rows of text and their weights.
#include "models/dit/text_rows.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace t3 {
namespace {

// Every bf16 row takes all but 2^-6 of what is left, so three leave 4e-6.
constexpr int64_t kBf16Rows = 3;
// Kernels want whole tiles of keys.
constexpr int64_t kKeyTile = 64;

// The largest bf16 number that is not above `value`: 8 bits of its fraction.
double Bf16Floor(double value) {
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  return std::ldexp(std::floor(std::ldexp(fraction, 8)), exponent - 8);
}

// Biases of the rows that stand for `padded` equal ones.
std::vector<double> PaddingBiases(int64_t padded, TextPadding padding) {
  const int64_t most = padding == TextPadding::kOne ? 1 : kBf16Rows;
  if (padding == TextPadding::kAll || padded <= most) {
    return std::vector<double>(static_cast<size_t>(padded), 0.0);
  }
  if (padding == TextPadding::kOne) return {std::log(static_cast<double>(padded))};
  std::vector<double> biases;
  auto left = static_cast<double>(padded);
  while (std::ssize(biases) < kBf16Rows && left > 0) {
    biases.push_back(Bf16Floor(std::log(left)));
    left -= std::exp(biases.back());
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
  float* values = bias.mutable_data_ptr<float>();  // a batch has too many for tensor operations
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
