// Drafts of clips: in place, and the same in bounded memory.
#include "pipeline/enlarged_draft.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "models/vae/testing/random_vae.h"
#include "runtime/device.h"

namespace t3 {
namespace {

// A ramp in x and y; the enlarged draft has the ramp's values where the clip has them.
TEST(DraftScaler, TheEnlargedDraftCoversTheClipPlaceByPlace) {
  const at::Device device = ResolveDevice(T3_TEST_DEVICE);
  for (const auto& [clip, draft] : {std::pair<VideoSize, VideoSize>{{256, 144}, {64, 36}},
                                    {{256, 144}, {64, 48}},
                                    {{256, 144}, {80, 32}},
                                    {{96, 160}, {48, 64}},
                                    {{64, 64}, {64, 64}}}) {
    const at::Tensor x = at::linspace(-0.8, 0.8, clip.width).view({1, 1, -1});
    const at::Tensor y = at::linspace(-0.8, 0.8, clip.height).view({1, -1, 1});
    const at::Tensor frame = at::cat(
        {x.expand({1, clip.height, clip.width}), y.expand({1, clip.height, clip.width}), x * y});
    const at::Tensor small = DraftScaler(clip, draft, device).Scale(frame.contiguous());
    ASSERT_EQ(small.sizes(), (at::IntArrayRef{3, draft.height, draft.width}));
    const at::Tensor large =
        FrameScaler(draft.width, draft.height, clip.width, clip.height, device, device.is_cuda())
            .Scale(small)
            .cpu();
    // Away from the edges, where the filter reads repeated values.
    const auto inner = [](const at::Tensor& all) {
      return all.narrow(1, all.size(1) / 8, all.size(1) * 3 / 4)
          .narrow(2, all.size(2) / 8, all.size(2) * 3 / 4);
    };
    // A pixel of shift in the widest clip is 0.006.
    EXPECT_LT((inner(large) - inner(frame)).abs().max().item<float>(), 2e-3)
        << clip.width << "x" << clip.height << " from " << draft.width << "x" << draft.height;
  }
}

class EnlargedDraftTest : public testing::Test {
 protected:
  EnlargedDraftTest() { UseExactFloat32(); }
  // The latents of the enlarged draft of a clip (3,F,16,24) for a clip of 32x48.
  at::Tensor Encode(const at::Tensor& clip, int64_t slabs) {
    const int64_t frames = clip.size(1);
    const EncodePlan plan = MakeEncodePlan(config_, {(frames - 1) / 4 + 1, 4, 6}, 4, slabs, 1);
    const RunContext context{progress_, &cancel_, device_};
    return EncodeEnlargedDraft(vae_, vae_, vae_.Encode(clip), plan,
                               std::filesystem::temp_directory_path().string(), context);
  }

  VaeConfig config_ = SmallVaeConfig(VaeVersion::k21, 4, 8, 8);
  at::Device device_ = ResolveDevice(T3_TEST_DEVICE);
  Vae vae_{config_, [this] {
             TensorMap weights = RandomVaeTensors(config_, 3);
             for (auto& [name, tensor] : weights) tensor = tensor.to(device_);
             return weights;
           }()};
  const ProgressFn progress_{};
  CancelToken cancel_;
};

TEST_F(EnlargedDraftTest, EqualsTheReferenceInAnyNumberOfSlabs) {
  const c10::NoGradGuard no_grad;
  for (const int64_t frames : {1, 9}) {
    const at::Tensor clip = SeededNoise({3, frames, 16, 24}, 5).mul(0.4).clamp(-1, 1);
    FrameScaler enlarge(24, 16, 48, 32, device_, device_.is_cuda());
    const at::Tensor expected = vae_.Encode(EnlargedDraft(vae_, vae_, clip, enlarge)).cpu();
    for (const int64_t slabs : {1, 2}) {
      // Frames are rounded to 16 bits: 1.5e-5 at most.
      EXPECT_LT((Encode(clip, slabs).cpu() - expected).abs().max().item<float>(), 1e-3) << slabs;
    }
    EXPECT_GT(
        (vae_.Encode(
                 FrameScaler(24, 16, 48, 32, at::kCPU, false).Scale(clip.select(1, 0)).unsqueeze(1))
             .cpu() -
         expected.narrow(1, 0, 1))
            .abs()
            .max()
            .item<float>(),
        1e-2)
        << "the decoder's part shows";
  }
}

TEST_F(EnlargedDraftTest, CanBeCancelled) {
  const c10::NoGradGuard no_grad;
  cancel_.Cancel();
  try {
    Encode(SeededNoise({3, 9, 16, 24}, 5), 1);
    FAIL() << "not interrupted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
  }
}

}  // namespace
}  // namespace t3
