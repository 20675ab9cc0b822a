// A pass over a clip's frames.
#include "pipeline/source_clip.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "pipeline/testing/tensor_clip.h"
#include "runtime/device.h"

namespace t3 {
namespace {

// On a GPU the host reads ahead: a frame must not be overwritten before it is uploaded.
TEST(ClipPass, GivesEveryFrameScaledAndTheLastOneAgain) {
  const at::Device device = ResolveDevice(T3_TEST_DEVICE);
  constexpr int64_t kFrames = 20;
  const at::Tensor video = at::rand({3, kFrames, 180, 320}).mul(2).sub(1);
  FrameScaler scaler(320, 180, 640, 352, device, device.is_cuda());
  std::vector<at::Tensor> expected;
  for (int64_t i = 0; i < kFrames; ++i)
    expected.push_back(scaler.Scale(video.select(1, i)).clone());
  expected.push_back(expected.back());
  ClipPass pass(TensorClip(video, 640, 352), device);
  std::vector<at::Tensor> frames;
  for (size_t i = 0; i < expected.size(); ++i) frames.push_back(pass.Next());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(frames[i].equal(expected[i])) << i;
}

}  // namespace
}  // namespace t3
