// TAEHV against its formulas: every plan, odd sizes, both kinds of block.
#include "models/taehv/taehv.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "models/taehv/testing/reference_taehv.h"
#include "t3video/error.h"

namespace t3 {
namespace {

TaehvConfig SmallTaehv(TaehvBlocks blocks, int64_t patch) {
  return {.blocks = blocks,
          .latent_channels = 5,
          .patch = patch,
          .widths = {12, 8, 6},
          .last_width = 5,
          .stored_growth = {2, 2, 2}};
}

at::Tensor LatentNoise(at::IntArrayRef sizes, uint64_t seed) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(seed));
}

// Collects rows into a video of NaN, so that a row that never comes shows; twice the same is an
// error.
at::Tensor Collect(const Taehv& decoder, const at::Tensor& latents, const TaehvPlan& plan) {
  const int64_t stride = decoder.spatial_stride();
  const at::Tensor video = at::full(
      {3, 4 * latents.size(1) - 3, stride * latents.size(2), stride * latents.size(3)}, NAN);
  decoder.DecodeRows(latents, plan, [&](const DecodedRows& rows) {
    EXPECT_TRUE(rows.pixels.is_contiguous());
    const at::Tensor part =
        video.narrow(1, rows.frame, rows.pixels.size(1)).narrow(2, rows.row, rows.pixels.size(2));
    EXPECT_TRUE(part.isnan().all().item<bool>()) << "frame " << rows.frame << " row " << rows.row;
    part.copy_(rows.pixels);
  });
  return video;
}

struct TaehvCase {
  TaehvBlocks blocks;
  int64_t patch;
  Grid latent;
};

void PrintTo(const TaehvCase& c, std::ostream* out) {
  *out << (c.blocks == TaehvBlocks::kPlain ? "plain" : "super") << " patch " << c.patch
       << " latents " << c.latent.t << "x" << c.latent.h << "x" << c.latent.w;
}

class TaehvPlans : public testing::TestWithParam<TaehvCase> {};

INSTANTIATE_TEST_SUITE_P(Sizes, TaehvPlans,
                         testing::Values(TaehvCase{TaehvBlocks::kPlain, 1, {1, 3, 2}},
                                         TaehvCase{TaehvBlocks::kPlain, 1, {5, 2, 5}},
                                         TaehvCase{TaehvBlocks::kPlain, 2, {3, 1, 1}},
                                         TaehvCase{TaehvBlocks::kSuper, 2, {1, 1, 3}},
                                         TaehvCase{TaehvBlocks::kSuper, 1, {4, 3, 2}}));

TEST_P(TaehvPlans, AllEqualTheFormulasAndEachOther) {
  const auto& [blocks, patch, grid] = GetParam();
  const TaehvConfig config = SmallTaehv(blocks, patch);
  const TensorMap tensors = RandomTaehvTensors(config, 5);
  const Taehv decoder(config, tensors);
  const at::Tensor latents = 2 * LatentNoise({5, grid.t, grid.h, grid.w}, 6);
  const at::Tensor expected = ReferenceTaehvDecode(config, tensors, latents);
  EXPECT_LT((expected.abs() == 1).to(at::kFloat).mean().item<double>(), 0.2);  // clamped
  at::Tensor first;
  for (const int64_t frames : {int64_t{1}, int64_t{2}, grid.t}) {
    for (const int64_t rows : {int64_t{1}, int64_t{3}, int64_t{0}}) {
      const at::Tensor video =
          Collect(decoder, latents, MakeTaehvPlan(config, grid, 4, frames, rows));
      ASSERT_EQ(video.sizes(), expected.sizes());
      EXPECT_LT((video - expected).abs().max().item<double>(), 1e-5)
          << frames << " latent frames per pass, bands of " << rows;
      if (!first.defined()) first = video;
      EXPECT_TRUE(video.equal(first)) << frames << " latent frames per pass, bands of " << rows;
    }
  }
  EXPECT_TRUE(decoder.Decode(latents).equal(first));
}

TEST(Taehv, TakesLatentsOfTheScaleThatTheFileWants) {
  TaehvConfig config = SmallTaehv(TaehvBlocks::kPlain, 1);
  const TensorMap tensors = RandomTaehvTensors(config, 7);
  const at::Tensor latents = LatentNoise({5, 2, 2, 2}, 8);
  const Taehv plain(config, tensors);
  config.mean = {0.1, -0.2, 0.3, 0, 1};
  config.std = {1, 2, 0.5, 3, 1};
  const at::Tensor mean = at::tensor(config.mean).to(at::kFloat).view({-1, 1, 1, 1});
  const at::Tensor std = at::tensor(config.std).to(at::kFloat).view({-1, 1, 1, 1});
  const Taehv scaled(config, tensors);
  EXPECT_TRUE(scaled.Decode(latents).equal(plain.Decode(latents * std + mean)));
  EXPECT_LT((scaled.Decode(latents) - ReferenceTaehvDecode(config, tensors, latents))
                .abs()
                .max()
                .item<double>(),
            1e-5);
}

// What was decoded does not depend on what follows.
TEST(Taehv, IsCausal) {
  const TaehvConfig config = SmallTaehv(TaehvBlocks::kSuper, 1);
  const Taehv decoder(config, RandomTaehvTensors(config, 9));
  const at::Tensor latents = LatentNoise({5, 3, 2, 3}, 10);
  EXPECT_TRUE(
      decoder.Decode(latents).narrow(1, 0, 5).equal(decoder.Decode(latents.narrow(1, 0, 2))));
}

TEST(Taehv, PollStopsIt) {
  const TaehvConfig config = SmallTaehv(TaehvBlocks::kPlain, 1);
  const Taehv decoder(config, RandomTaehvTensors(config, 11));
  int polls = 0;
  const auto poll = [&] {
    if (++polls == 7) throw Error("enough", ErrorKind::kInterrupted);
  };
  const PlannedDecode plan = decoder.PlanFor({2, 3, 3}, std::numeric_limits<int64_t>::max());
  EXPECT_THAT(plan.description, testing::HasSubstr("2 latent frames per pass"));
  EXPECT_THROW(plan.run(
                   LatentNoise({5, 2, 3, 3}, 12), [](const DecodedRows&) {}, poll),
               Error);
  EXPECT_EQ(polls, 7);
}

TEST(Taehv, RefusesOtherLatents) {
  const TaehvConfig config = SmallTaehv(TaehvBlocks::kPlain, 1);
  const Taehv decoder(config, RandomTaehvTensors(config, 13));
  EXPECT_THROW(decoder.Decode(at::zeros({4, 2, 3, 3})), Error);
  EXPECT_THROW(decoder.Decode(at::zeros({5, 0, 3, 3})), Error);
  EXPECT_THROW(decoder.DecodeRows(at::zeros({5, 2, 3, 4}), MakeTaehvPlan(config, {2, 3, 3}, 4, 1),
                                  [](const DecodedRows&) {}),
               Error);
  EXPECT_THROW(decoder.PlanFor({1, 3, 3}, 1000), Error);
}

}  // namespace
}  // namespace t3
