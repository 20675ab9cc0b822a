// The streaming encoder: every plan gives what the whole-sequence encoder gives.
#include "models/vae/stream_encoder.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "models/vae/testing/random_vae.h"
#include "models/vae/vae.h"
#include "t3video/error.h"

namespace t3 {
namespace {

struct EncodeCase {
  VaeVersion version;
  int64_t frames, rows, columns;  // of the latents
};

class StreamEncoderPlans : public testing::TestWithParam<EncodeCase> {};

TEST_P(StreamEncoderPlans, AllEqualTheWholeSequence) {
  const c10::NoGradGuard no_grad;
  const EncodeCase& c = GetParam();
  const VaeConfig config = SmallVaeConfig(c.version, 5, 4, 4);
  const Vae vae(config, RandomVaeTensors(config, 41));
  const int64_t stride = config.spatial_stride();
  const at::Tensor video =
      SeededNoise({3, 4 * c.frames - 3, c.rows * stride, c.columns * stride}, 42).clamp(-1, 1);
  const at::Tensor expected = vae.Encode(video);
  for (int64_t slabs : {int64_t{1}, int64_t{2}, c.rows}) {
    if (slabs > c.rows) continue;
    for (int64_t first_level_frames : {1, 4}) {
      EncodePlan plan =
          MakeEncodePlan(config, {c.frames, c.rows, c.columns}, 4, slabs, first_level_frames);
      plan.score_bytes = 64;
      int64_t restarts = 0, next = 0;
      const auto source = [&](int64_t frame, int64_t count) {
        if (frame == 0) ++restarts, next = 0;
        EXPECT_EQ(frame, next);  // in order, so that a file can be read
        next += count;
        return video.narrow(1, frame, count);
      };
      const at::Tensor latents = vae.EncodeFrom(plan, source);
      EXPECT_EQ(restarts, slabs);
      ASSERT_EQ(latents.sizes(), expected.sizes());
      EXPECT_LT((latents - expected).abs().max().item<double>(), 1e-5)
          << slabs << " slabs, " << first_level_frames << " frames at once";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, StreamEncoderPlans,
                         testing::Values(EncodeCase{VaeVersion::k21, 1, 3, 2},
                                         EncodeCase{VaeVersion::k21, 3, 5, 1},
                                         EncodeCase{VaeVersion::k22, 1, 2, 3},
                                         EncodeCase{VaeVersion::k22, 3, 5, 2}));

TEST(StreamEncoder, RefusesFramesThatDoNotFitThePlan) {
  const VaeConfig config = SmallVaeConfig(VaeVersion::k21, 3, 4, 4);
  const Vae vae(config, RandomVaeTensors(config, 43));
  const EncodePlan plan = MakeEncodePlan(config, {1, 2, 2}, 4, 1);
  EXPECT_THROW(vae.EncodeFrom(plan,
                              [](int64_t, int64_t) {
                                return at::zeros({3, 1, 16, 8});
                              }),
               Error);
}

}  // namespace
}  // namespace t3
