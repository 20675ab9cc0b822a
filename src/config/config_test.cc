// Names round-trip; presets are consistent.
#include <gtest/gtest.h>

#include "config/presets.h"
#include "config/sampling_config.h"
#include "t3video/error.h"

namespace t3 {
namespace {

TEST(Config, NamesRoundTrip) {
  for (const char* name : {"full", "t3", "close", "remote", "swin"}) {
    EXPECT_EQ(AttentionName(ParseAttention(name)), name);
  }
  for (const char* name : {"euler", "unipc", "renoise", "rcm"})
    EXPECT_EQ(SamplerName(ParseSampler(name)), name);
  EXPECT_THROW(ParseAttention("T3"), Error);
  EXPECT_THROW(ParseSampler(""), Error);
}

TEST(Config, PresetsAreConsistent) {
  for (const ModelPreset& preset : Presets()) {
    EXPECT_EQ(&FindPreset(preset.name), &preset);
    EXPECT_EQ(MatchPreset(preset.dit, preset.attention), &preset);
    EXPECT_EQ(preset.dit.head_dim(), 128);
    EXPECT_EQ(preset.dit.latent_channels, preset.vae.latent_channels);
    EXPECT_EQ(static_cast<int64_t>(preset.vae.mean.size()), preset.vae.latent_channels);
    EXPECT_EQ(static_cast<int64_t>(preset.vae.std.size()), preset.vae.latent_channels);
    for (double value : preset.vae.std) EXPECT_GT(value, 0);
    EXPECT_EQ(preset.defaults.width % (2 * preset.vae.spatial_stride()), 0);
    EXPECT_EQ(preset.defaults.height % (2 * preset.vae.spatial_stride()), 0);
  }
  EXPECT_THROW(FindPreset("wan9"), Error);
}

TEST(Config, PublishedWindowsDivideTheirGrids) {
  for (const ModelFamily family : {ModelFamily::kWan21, ModelFamily::kWan22}) {
    const WindowTable& table = PublishedWindows(family);
    ASSERT_EQ(table.cycle.size(), 5u);
    for (const WindowCounts& n : table.cycle) {
      EXPECT_EQ(table.grid.t % n.t, 0);
      EXPECT_EQ(table.grid.h % n.h, 0);
      EXPECT_EQ(table.grid.w % n.w, 0);
    }
  }
}

// At the strength that a list begins at, a schedule reaches the list's first level and hardly more.
TEST(Config, AListOfARefinerHasAStrength) {
  EXPECT_EQ(StrengthOfList({}), 1);
  EXPECT_EQ(StrengthOfList({.timesteps = {1000, 500}}), 1);
  EXPECT_EQ(StrengthOfList({.shift = 1, .sigmas = {0.5}}), 0.5);
  for (const double shift : {0.5, 1.0, 3.0, 5.0, 1e3}) {
    for (const double level : {0.9, 0.8, 0.5, 0.1}) {
      const double s = StrengthOfList({.shift = shift, .timesteps = {1000 * level}});
      const double before = s - 0.001;
      EXPECT_GE(shift * s / (1 + (shift - 1) * s), level - 1e-6) << shift;
      EXPECT_LT(shift * before / (1 + (shift - 1) * before), level) << shift;
    }
  }
}

}  // namespace
}  // namespace t3
