// Clips are encoded as a whole or window by window.
#include "pipeline/encode_clip.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "models/vae/testing/random_vae.h"
#include "pipeline/testing/tensor_clip.h"
#include "runtime/device.h"

namespace t3 {
namespace {

TensorMap Weights(const VaeConfig& config, at::Device device) {
  TensorMap weights = RandomVaeTensors(config, 3);
  for (auto& [name, tensor] : weights) tensor = tensor.to(device);
  return weights;
}

class EncodeClipTest : public testing::Test {
 protected:
  EncodeClipTest() { UseExactFloat32(); }
  at::Tensor Encode(const at::Tensor& video, int64_t latent_frames, int64_t window) {
    const RunContext context{progress_, nullptr, device_};
    Stage stage(context, "encoding", 1, "frames");
    return EncodeClip(vae_, TensorClip(video), latent_frames, window,
                      std::filesystem::temp_directory_path().string(), stage);
  }
  // In 16-bit steps, which a spool file does not change.
  static at::Tensor Video(int64_t frames) {
    return SeededNoise({3, frames, 16, 24}, 5).mul(0.4).clamp(-1, 1).mul(32767).round().div(32767);
  }

  VaeConfig config_ = SmallVaeConfig(VaeVersion::k21, 4, 8, 8);
  at::Device device_ = ResolveDevice(T3_TEST_DEVICE);
  Vae vae_{config_, Weights(config_, device_)};
  const ProgressFn progress_{};
};

TEST_F(EncodeClipTest, EqualsTheEncoderWhereOneWindowHoldsTheClip) {
  const at::Tensor video = Video(17);
  const at::Tensor expected = vae_.Encode(video).cpu();
  // Frames are rounded to 16 bits: 1.5e-5 at most.
  EXPECT_LT((Encode(video, 5, 21) - expected).abs().max().item<float>(), 1e-3);
}

TEST_F(EncodeClipTest, RepeatsTheLastFrameToTheEnd) {
  const at::Tensor video = Video(15);
  const at::Tensor last = video.narrow(1, 14, 1);
  const at::Tensor expected = vae_.Encode(at::cat({video, last, last}, 1)).cpu();
  EXPECT_LT((Encode(video, 5, 21) - expected).abs().max().item<float>(), 1e-3);
}

TEST_F(EncodeClipTest, AWindowIsAClipOfItsOwnWithoutItsWarmUp) {
  const at::Tensor video = Video(61);  // 16 latent frames
  constexpr int64_t kWindow = kEncoderWarmUp + 3;
  const at::Tensor encoded = Encode(video, 16, kWindow);
  for (const ClipSegment& window : EncodeWindows(16, kWindow)) {
    const int64_t first = 4 * window.begin, frames = 4 * (window.length - 1) + 1;
    const int64_t skipped = window.begin == 0 ? 0 : kEncoderWarmUp;
    const at::Tensor expected = vae_.Encode(video.narrow(1, first, frames)).cpu();
    const at::Tensor difference =
        encoded.narrow(1, window.begin + skipped, window.length - skipped) -
        expected.narrow(1, skipped, window.length - skipped);
    EXPECT_LT(difference.abs().max().item<float>(), 1e-3) << window.begin;
  }
}

TEST(EncodeWindows, CoverTheClipAfterTheirWarmUp) {
  for (const int64_t window : {kEncoderWarmUp + 1, kEncoderWarmUp + 5, int64_t{21}}) {
    for (int64_t frames = 1; frames < 100; ++frames) {
      const std::vector<ClipSegment> windows = EncodeWindows(frames, window);
      int64_t covered = windows.front().end();
      for (size_t i = 1; i < windows.size(); ++i) {
        EXPECT_EQ(windows[i].begin + kEncoderWarmUp, covered);
        EXPECT_LE(windows[i].length, window);
        covered = windows[i].end();
      }
      EXPECT_EQ(covered, frames);
    }
  }
}

}  // namespace
}  // namespace t3
