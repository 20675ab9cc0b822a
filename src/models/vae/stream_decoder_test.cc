// The streaming decoder: every plan gives what the whole-sequence decoder gives.
#include "models/vae/stream_decoder.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/vae/testing/random_vae.h"
#include "models/vae/vae.h"
#include "t3video/error.h"

namespace t3 {
namespace {

struct StreamCase {
  VaeVersion version;
  int64_t frames, rows, columns;  // of the latents
};

void PrintTo(const StreamCase& c, std::ostream* out) {
  *out << (c.version == VaeVersion::k21 ? "2.1" : "2.2") << " latents " << c.frames << "x" << c.rows
       << "x" << c.columns;
}

// Collects rows into a video of NaN, so that a row that never comes shows; twice the same is an
// error.
at::Tensor Collect(const Vae& vae, const at::Tensor& latents, const DecodePlan& plan) {
  const int64_t stride = vae.config().spatial_stride();
  const at::Tensor video = at::full(
      {3, 4 * latents.size(1) - 3, stride * latents.size(2), stride * latents.size(3)}, NAN);
  vae.DecodeRows(latents, plan, [&](const DecodedRows& rows) {
    const at::Tensor part =
        video.narrow(1, rows.frame, rows.pixels.size(1)).narrow(2, rows.row, rows.pixels.size(2));
    EXPECT_TRUE(part.isnan().all().item<bool>()) << "frame " << rows.frame << " row " << rows.row;
    part.copy_(rows.pixels);
  });
  return video;
}

class StreamDecoderPlans : public testing::TestWithParam<StreamCase> {};

TEST_P(StreamDecoderPlans, AllEqualTheWholeSequence) {
  const c10::NoGradGuard no_grad;
  const StreamCase& c = GetParam();
  const VaeConfig config = SmallVaeConfig(c.version, 5, 4, 6);
  const Vae vae(config, RandomVaeTensors(config, 31));
  const at::Tensor latents = SeededNoise({5, c.frames, c.rows, c.columns}, 32);
  const at::Tensor std = at::tensor(config.std).to(at::kFloat).view({-1, 1, 1, 1});
  const at::Tensor mean = at::tensor(config.mean).to(at::kFloat).view({-1, 1, 1, 1});
  const at::Tensor expected = vae.DecodeUnclamped(latents * std + mean).clamp(-1, 1);
  const auto check = [&](const DecodePlanOptions& choice) {
    const DecodePlan plan = MakeDecodePlan(config, {c.frames, c.rows, c.columns}, 4, choice);
    const at::Tensor video = Collect(vae, latents, plan);
    ASSERT_EQ(video.sizes(), expected.sizes());
    EXPECT_LT((video - expected).abs().max().item<double>(), 1e-5)
        << choice.slabs << " slabs, " << choice.latent_frames << " frames a pass, "
        << choice.whole_levels << " whole levels";
  };
  for (int64_t slabs : {int64_t{1}, int64_t{2}, c.rows}) {
    if (slabs > c.rows) continue;
    for (int64_t frames : {int64_t{1}, c.frames}) {
      check({DecodeOrder::kSlabsOuter, frames, 0, slabs, 64});
      for (int64_t whole : {0, 2, 3}) check({DecodeOrder::kFramesOuter, frames, whole, slabs});
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, StreamDecoderPlans,
    testing::Values(StreamCase{VaeVersion::k21, 1, 3, 2}, StreamCase{VaeVersion::k21, 2, 5, 3},
                    StreamCase{VaeVersion::k21, 3, 2, 1}, StreamCase{VaeVersion::k22, 1, 3, 3},
                    StreamCase{VaeVersion::k22, 2, 5, 1}, StreamCase{VaeVersion::k22, 3, 2, 2}));

// Tall enough that inner slabs have both halos in full.
TEST(StreamDecoder, ThinSlabsOfATallFrameAreExact) {
  const c10::NoGradGuard no_grad;
  for (const VaeVersion version : {VaeVersion::k21, VaeVersion::k22}) {
    const VaeConfig config = SmallVaeConfig(version, 3, 4, 4);
    const Vae vae(config, RandomVaeTensors(config, 33));
    const at::Tensor latents = SeededNoise({3, 1, 29, 1}, 34);
    const Grid grid{1, 29, 1};
    const at::Tensor whole =
        Collect(vae, latents, MakeDecodePlan(config, grid, 4, {DecodeOrder::kFramesOuter}));
    const at::Tensor thin = Collect(
        vae, latents, MakeDecodePlan(config, grid, 4, {DecodeOrder::kSlabsOuter, 1, 0, 29, 256}));
    EXPECT_LT((whole - thin).abs().max().item<double>(), 1e-5);
  }
}

TEST(StreamDecoder, PollStopsIt) {
  const c10::NoGradGuard no_grad;
  const VaeConfig config = SmallVaeConfig(VaeVersion::k21, 3, 4, 4);
  const Vae vae(config, RandomVaeTensors(config, 35));
  int polls = 0;
  const auto poll = [&] {
    if (++polls == 7) throw Error("enough", ErrorKind::kInterrupted);
  };
  const DecodePlan plan = MakeDecodePlan(config, {2, 3, 3}, 4, {});
  EXPECT_THROW(vae.DecodeRows(
                   SeededNoise({3, 2, 3, 3}, 36), plan, [](const DecodedRows&) {}, poll),
               Error);
  EXPECT_EQ(polls, 7);
}

TEST(StreamDecoder, RefusesAPlanForOtherLatents) {
  const VaeConfig config = SmallVaeConfig(VaeVersion::k21, 3, 4, 4);
  const Vae vae(config, RandomVaeTensors(config, 37));
  const DecodePlan plan = MakeDecodePlan(config, {2, 3, 3}, 4, {});
  EXPECT_THROW(vae.DecodeRows(at::zeros({3, 2, 3, 4}), plan, [](const DecodedRows&) {}), Error);
}

}  // namespace
}  // namespace t3
