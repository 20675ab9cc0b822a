// The causal convolution against a padded one over the whole sequence, and slab assembly.
#include "nn/causal_conv3d.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/row_slabs.h"
#include "t3video/error.h"

namespace t3 {
namespace {

struct ConvCase {
  int64_t kt, kh, time_stride;
  std::vector<int64_t> chunks;  // frames fed at a time
  int64_t slab_elements;
};

class CausalConv : public testing::TestWithParam<ConvCase> {};

TEST_P(CausalConv, ChunksEqualTheWholeSequence) {
  const ConvCase& c = GetParam();
  at::manual_seed(1);
  const TensorMap tensors{{"c.weight", at::randn({5, 4, c.kt, c.kh, c.kh})},
                          {"c.bias", at::randn({5})}};
  const CausalConv3d conv(tensors, "c", c.slab_elements, c.time_stride);
  int64_t frames = 0;
  for (int64_t n : c.chunks) frames += n;
  const at::Tensor x = at::randn({2, 4, frames, 6, 7});

  const int64_t p = c.kh / 2;
  const at::Tensor padded =
      at::constant_pad_nd(x, std::vector<int64_t>{p, p, p, p, c.kt - c.time_stride, 0});
  const at::Tensor whole = at::conv3d(padded, tensors.at("c.weight"), tensors.at("c.bias"),
                                      std::vector<int64_t>{c.time_stride, 1, 1});

  CausalCache cache;
  std::vector<at::Tensor> parts;
  int64_t begin = 0;
  for (int64_t n : c.chunks) {
    at::Tensor chunk = x.narrow(2, begin, n).clone();
    parts.push_back(conv(chunk, cache));
    chunk.fill_(NAN);  // the cache keeps frames of its own
    begin += n;
  }
  const at::Tensor y = at::cat(parts, 2);
  ASSERT_EQ(y.sizes(), whole.sizes());
  EXPECT_LT((y - whole).abs().max().item<float>(), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(
    Kernels, CausalConv,
    testing::Values(ConvCase{3, 3, 1, {1, 1, 1, 1}, 1 << 20}, ConvCase{3, 3, 1, {4}, 1 << 20},
                    ConvCase{3, 3, 1, {1, 4, 2}, 1}, ConvCase{3, 3, 1, {1, 4}, 2 * 5 * 6 * 7 * 4},
                    ConvCase{3, 1, 1, {1, 2, 1}, 1 << 20}, ConvCase{3, 1, 2, {2, 4, 2}, 1 << 20},
                    ConvCase{3, 1, 2, {2, 4, 2}, 1}, ConvCase{1, 3, 1, {2, 1}, 1 << 20}));

TEST(CausalConv3d, NeedsItsCacheOverTime) {
  const TensorMap over_time{{"c.weight", at::ones({1, 1, 3, 1, 1})}};
  const TensorMap one_frame{{"c.weight", at::ones({1, 1, 1, 1, 1})}};
  const at::Tensor x = at::ones({1, 1, 2, 2, 2});
  EXPECT_THROW(CausalConv3d(over_time, "c", 1 << 20)(x), Error);
  EXPECT_TRUE(at::equal(CausalConv3d(one_frame, "c", 1 << 20)(x), x));
}

TEST(CausalConv3d, RefusesAnImageKernel) {
  const TensorMap tensors{{"c.weight", at::ones({1, 1, 3, 3})}};
  EXPECT_THROW(CausalConv3d(tensors, "c", 1 << 20), Error);
  EXPECT_THROW(CausalConv3d(tensors, "d", 1 << 20), Error);
}

TEST(RowSlabs, CountsRows) {
  EXPECT_EQ(SlabRows(10, 100, 350), 3);
  EXPECT_EQ(SlabRows(10, 100, 5000), 10);
  EXPECT_EQ(SlabRows(10, 100, 50), 1);  // a row is the least
}

TEST(RowSlabs, AssemblesInOrder) {
  const at::Tensor x = at::arange(2 * 5 * 3).view({2, 5, 3});
  std::vector<int64_t> begins;
  const at::Tensor y = AssembleRows(5, 2, [&](int64_t begin, int64_t end) {
    begins.push_back(begin);
    return x.narrow(1, begin, end - begin);
  });
  EXPECT_TRUE(at::equal(x, y));
  EXPECT_THAT(begins, testing::ElementsAre(0, 2, 4));
}

TEST(RowSlabs, OneSlabIsNotCopied) {
  const at::Tensor x = at::ones({2, 5, 3});
  EXPECT_TRUE(AssembleRows(5, 5, [&](int64_t, int64_t) { return x; }).is_same(x));
}

}  // namespace
}  // namespace t3
