// Matrices give what the loops of media/ give.
#include "pipeline/frame_ops.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "runtime/device.h"

namespace t3 {
namespace {

at::Device Tested() { return ResolveDevice(T3_TEST_DEVICE); }

at::Tensor Noise(int64_t height, int64_t width, int64_t seed) {
  auto generator = at::detail::createCPUGenerator(static_cast<uint64_t>(seed));
  return at::rand({3, height, width}, generator, at::kFloat).mul(2).sub(1);
}

TEST(FrameOps, ScalingByMatricesEqualsCoverResize) {
  struct Sizes {
    int64_t width, height, out_width, out_height;
  };
  // Enlarged, made smaller, cropped either way, and a draft to 4K.
  for (const Sizes& s : {Sizes{40, 30, 64, 48},
                         {90, 50, 64, 48},
                         {31, 77, 64, 48},
                         {8, 8, 64, 48},
                         {512, 288, 3840, 2176}}) {
    const at::Tensor frame = Noise(s.height, s.width, 1);
    FrameScaler loops(s.width, s.height, s.out_width, s.out_height, at::kCPU, /*matrices=*/false);
    FrameScaler matrices(s.width, s.height, s.out_width, s.out_height, Tested(), /*matrices=*/true);
    const at::Tensor expected = loops.Scale(frame), scaled = matrices.Scale(frame).cpu();
    EXPECT_EQ(expected.sizes(), scaled.sizes());
    // Sums of at most a few dozen products in fp32, in another order.
    EXPECT_LT((expected - scaled).abs().max().item<float>(), 1e-5) << s.width << "x" << s.height;
  }
}

at::Tensor Matched(const ColorMatcher& matcher, const at::Tensor& frame, const at::Tensor& source) {
  return matcher.Add(frame, matcher.Difference(source, frame));
}

TEST(FrameOps, ColorsByMatricesEqualColorMatch) {
  for (const auto& [width, height] : {std::pair<int64_t, int64_t>{200, 130}, {33, 70}, {7, 5}}) {
    const at::Tensor frame = Noise(height, width, 2), source = Noise(height, width, 3);
    const ColorMatcher loops(width, height, at::kCPU, /*matrices=*/false);
    const ColorMatcher matrices(width, height, Tested(), /*matrices=*/true);
    const at::Tensor expected = Matched(loops, frame, source);
    EXPECT_GT((expected - frame).abs().max().item<float>(), 1e-3);
    const at::Tensor matched = Matched(matrices, frame.to(Tested()), source.to(Tested())).cpu();
    EXPECT_LT((expected - matched).abs().max().item<float>(), 1e-5) << width << "x" << height;
  }
}

}  // namespace
}  // namespace t3
