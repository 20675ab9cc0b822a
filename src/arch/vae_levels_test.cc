// The levels of both VAEs against the published models.
#include "arch/vae_levels.h"

#include <gtest/gtest.h>

#include "arch/vae.h"
#include "config/presets.h"

namespace t3 {
namespace {

const VaeConfig& Wan21() { return ReleaseOf(ModelFamily::kWan21, false).vae; }
const VaeConfig& Wan22() { return ReleaseOf(ModelFamily::kWan22, false).vae; }

TEST(VaeLevels, StridesAreThoseOfTheModel) {
  for (const VaeConfig& config : {Wan21(), Wan22()}) {
    for (const VaeLevels& levels : {EncoderLevels(config), DecoderLevels(config)}) {
      int64_t space = 1, time = 1;
      for (const VaeLevel& level : levels) {
        space *= level.space_factor;
        time *= level.time_factor;
      }
      EXPECT_EQ(space * config.patch(), config.spatial_stride());
      EXPECT_EQ(time, VaeConfig::kTimeStride);
      EXPECT_FALSE(levels.back().resamples());
    }
  }
}

TEST(VaeLevels, EachTakesWhatTheOneBeforeHandsOn) {
  for (const VaeConfig& config : {Wan21(), Wan22()}) {
    for (const VaeLevels& levels : {EncoderLevels(config), DecoderLevels(config)}) {
      for (size_t i = 1; i < levels.size(); ++i) EXPECT_EQ(levels[i].in, levels[i - 1].out);
    }
  }
}

TEST(VaeLevels, ChannelsOfThePublishedModels) {
  const VaeLevels decoder = DecoderLevels(Wan21());
  EXPECT_EQ(decoder[0].channels, 384);
  EXPECT_EQ(decoder[1].in, 192);  // 2.1 halves the channels where it doubles space
  EXPECT_EQ(decoder[3].channels, 96);
  EXPECT_EQ(DecoderLevels(Wan22())[1].in, 1024);
  EXPECT_EQ(EncoderLevels(Wan22())[0].channels, 160);
  EXPECT_EQ(EncoderLevels(Wan21())[3].out, 384);
}

TEST(VaeLevels, NamesOfBothVersions) {
  EXPECT_EQ(DecoderLevels(Wan21())[1].BlockName(2), "decoder.upsamples.6");
  EXPECT_EQ(DecoderLevels(Wan21())[1].ResamplerName(), "decoder.upsamples.7");
  EXPECT_EQ(EncoderLevels(Wan21())[2].ResamplerName(), "encoder.downsamples.8");
  EXPECT_EQ(DecoderLevels(Wan22())[1].BlockName(2), "decoder.upsamples.1.upsamples.2");
  EXPECT_EQ(EncoderLevels(Wan22())[2].ResamplerName(), "encoder.downsamples.2.downsamples.2");
}

TEST(VaeTensors, HaveTheKnownParameterCounts) {
  EXPECT_NEAR(static_cast<double>(ParameterCount(VaeTensors(Wan21(), VaeHalf::kDecoder))) / 1e6,
              73.3, 0.1);
  EXPECT_NEAR(static_cast<double>(ParameterCount(VaeTensors(Wan22(), VaeHalf::kDecoder))) / 1e6,
              555, 1);
}

}  // namespace
}  // namespace t3
