// Matrices give what the loops of media/ give.
#include "pipeline/frame_ops.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace t3 {
namespace {

at::Tensor Noise(int64_t height, int64_t width, int64_t seed) {
  auto generator = at::detail::createCPUGenerator(static_cast<uint64_t>(seed));
  return at::rand({3, height, width}, generator, at::kFloat).mul(2).sub(1);
}

TEST(FrameOps, ScalingByMatricesEqualsCoverResize) {
  for (const auto& [width, height] : {std::pair<int64_t, int64_t>{90, 50}, {31, 77}, {8, 8}}) {
    const at::Tensor frame = Noise(height, width, 1);
    FrameScaler loops(width, height, 64, 48, at::kCPU, /*matrices=*/false);
    FrameScaler matrices(width, height, 64, 48, at::kCPU, /*matrices=*/true);
    const at::Tensor expected = loops.Scale(frame), scaled = matrices.Scale(frame);
    EXPECT_EQ(expected.sizes(), scaled.sizes());
    // Sums of at most a few dozen products in fp32, in another order.
    EXPECT_LT((expected - scaled).abs().max().item<float>(), 1e-5) << width << "x" << height;
  }
}

at::Tensor Matched(const ColorMatcher& matcher, const at::Tensor& frame, const at::Tensor& source) {
  return matcher.Add(frame, matcher.Difference(source, frame));
}

TEST(FrameOps, ColorsByMatricesEqualColorMatch) {
  for (const auto& [width, height] : {std::pair<int64_t, int64_t>{200, 130}, {33, 70}, {7, 5}}) {
    const at::Tensor frame = Noise(height, width, 2), source = Noise(height, width, 3);
    const ColorMatcher loops(width, height, at::kCPU, /*matrices=*/false);
    const ColorMatcher matrices(width, height, at::kCPU, /*matrices=*/true);
    const at::Tensor expected = Matched(loops, frame, source);
    EXPECT_GT((expected - frame).abs().max().item<float>(), 1e-3);
    EXPECT_LT((expected - Matched(matrices, frame, source)).abs().max().item<float>(), 1e-5)
        << width << "x" << height;
  }
}

}  // namespace
}  // namespace t3
