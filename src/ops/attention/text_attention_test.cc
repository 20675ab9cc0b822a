// Attention to the text against fp64: one tile of keys and several, odd numbers of tokens, rows
// that are not there, strided q.
#include "ops/attention/text_attention.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <vector>

#include "t3video/error.h"

namespace t3 {
namespace {

const at::Device kTextDevice(T3_TEST_DEVICE);

struct TextSizes {
  int64_t videos, tokens, heads, head_dim, rows;
  bool bias;
};

void PrintTo(const TextSizes& sizes, std::ostream* out) {
  *out << sizes.videos << "x" << sizes.tokens << " tokens, " << sizes.heads << " heads of "
       << sizes.head_dim << ", " << sizes.rows << " rows" << (sizes.bias ? ", bias" : "");
}

class TextAttentionOp : public ::testing::TestWithParam<std::tuple<TextSizes, at::ScalarType>> {
 protected:
  at::Tensor Random(at::IntArrayRef shape, uint64_t seed, at::ScalarType dtype) const {
    return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed)).to(kTextDevice, dtype);
  }

  // Queries far from unit norm and keys three times as long as after their norm: the weights differ
  // by powers of e, so that a wrong channel or row shows.
  TextAttentionInput Input(const at::Tensor& q, const TextSizes& sizes,
                           at::ScalarType dtype) const {
    const std::vector<int64_t> keys{sizes.videos, sizes.rows, sizes.heads, sizes.head_dim};
    const int64_t channels = sizes.heads * sizes.head_dim;
    TextAttentionInput in{.q = q,
                          .q_weight = 1 + 0.3 * Random({channels}, 2, at::kFloat),
                          .k = Random(keys, 3, dtype) * 3,
                          .v = Random(keys, 4, dtype)};
    if (sizes.bias) {
      in.bias = Random({sizes.videos, sizes.rows}, 5, at::kBFloat16).to(at::kFloat);
      const int64_t missing = sizes.rows / 3;  // most of the last tile of keys
      in.bias.narrow(1, sizes.rows - missing, missing).fill_(-INFINITY);
    }
    return in;
  }

  static at::Tensor Reference(const TextAttentionInput& in) {
    const at::Tensor q = in.q.to(at::kDouble);
    const at::Tensor inverse = (q.square().mean(1, true) + in.eps).rsqrt();
    const auto by_head = [](const at::Tensor& x) { return x.to(at::kDouble).transpose(1, 2); };
    const at::Tensor queries = by_head((q * inverse * in.q_weight)
                                           .unflatten(1, {in.k.size(2), -1})
                                           .unflatten(0, {in.k.size(0), -1}));
    at::Tensor logits = at::matmul(queries, by_head(in.k).transpose(2, 3)) /
                        std::sqrt(static_cast<double>(in.k.size(3)));
    if (in.bias.defined()) logits = logits + in.bias.unsqueeze(1).unsqueeze(1);
    return at::matmul(logits.softmax(-1), by_head(in.v)).transpose(1, 2).flatten(2).flatten(0, 1);
  }

  c10::NoGradGuard no_grad_;
};

TEST_P(TextAttentionOp, EqualsItsReference) {
  const auto& [sizes, dtype] = GetParam();
  const int64_t channels = sizes.heads * sizes.head_dim;
  // Rows of q in a wider matrix, whose other columns stay as they are.
  const at::Tensor wide = Random({sizes.videos * sizes.tokens, 2 * channels}, 1, dtype) * 5;
  const at::Tensor neighbour = wide.narrow(1, channels, channels).clone();
  const TextAttentionInput in = Input(wide.narrow(1, 0, channels), sizes, dtype);
  const at::Tensor want = Reference(in);
  const at::Tensor got = TextAttention(in, ExecutionMode::kInPlace).to(at::kDouble);
  // bf16: q, the weights and the result are rounded once each, by 1.7e-3 of a value on average; the
  // logits are of size 3 to 4, so q's rounding moves the weights by up to 4 times that.
  EXPECT_LT(((got - want).norm() / want.norm()).item<double>(),
            dtype == at::kBFloat16 ? 1e-2 : 1e-5);
  EXPECT_TRUE(at::equal(wide.narrow(1, channels, channels), neighbour));
}

std::string TextName(const TextSizes& sizes, at::ScalarType dtype) {
  return std::to_string(sizes.videos) + "x" + std::to_string(sizes.tokens) + "_" +
         std::to_string(sizes.heads) + "x" + std::to_string(sizes.head_dim) + "_" +
         std::to_string(sizes.rows) + (sizes.bias ? "_bias_" : "_") + c10::toString(dtype);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, TextAttentionOp,
    ::testing::Combine(::testing::Values(TextSizes{1, 1, 1, 128, 64, false},
                                         TextSizes{1, 77, 3, 128, 64, true},
                                         TextSizes{1, 1003, 2, 128, 128, true},
                                         TextSizes{1, 130, 12, 128, 192, true},
                                         TextSizes{1, 65, 5, 64, 128, true},
                                         TextSizes{1, 16, 2, 64, 192, false},
                                         TextSizes{1, 50'021, 2, 128, 128, true},
                                         TextSizes{2, 33, 2, 128, 128, true},  // no kernel
                                         TextSizes{1, 40, 2, 32, 17, true}),   // no kernel
                       ::testing::Values(at::kFloat, at::kBFloat16)),
    [](const auto& test) { return TextName(std::get<0>(test.param), std::get<1>(test.param)); });

TEST(TextAttentionErrors, MisfitsAreNamed) {
  const c10::NoGradGuard no_grad;
  const at::Tensor keys = at::zeros({1, 3, 2, 8}), norm = at::ones({16});
  const auto attend = [&](const at::Tensor& q, const at::Tensor& v, const at::Tensor& weight) {
    return TextAttention({.q = q, .q_weight = weight, .k = keys, .v = v}, ExecutionMode::kInPlace);
  };
  EXPECT_NO_THROW(attend(at::zeros({5, 16}), keys, norm));
  EXPECT_THROW(attend(at::zeros({5, 15}), keys, norm), Error);
  EXPECT_THROW(attend(at::zeros({5, 16}), at::zeros({1, 4, 2, 8}), norm), Error);
  EXPECT_THROW(attend(at::zeros({5, 16}), keys, at::ones({8})), Error);
}

}  // namespace
}  // namespace t3
