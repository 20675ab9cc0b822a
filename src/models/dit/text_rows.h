// The rows of a text that cross-attention sees. Padded rows are all equal, so a few can stand for
// all.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace t3 {

// How padded rows are represented.
enum class TextPadding {
  kAll,       // all of them, for attention kernels without a bias
  kOne,       // one for all of them, its logit raised by log(their number)
  kBf16Bias,  // as kOne, for kernels whose bias is bf16: a few rows whose biases are bf16 numbers
};

// Rows to compute for texts of these lengths, each at most text_len.
int64_t TextRows(const std::vector<int64_t>& lengths, int64_t text_len, TextPadding padding);

// What is added to the logits of `rows` rows: (lengths, rows) fp32; undefined if it is all 0.
// exp of it sums to text_len over each text's rows, to 1e-5 with kBf16Bias.
at::Tensor TextBias(const std::vector<int64_t>& lengths, int64_t text_len, int64_t rows,
                    TextPadding padding);

}  // namespace t3
