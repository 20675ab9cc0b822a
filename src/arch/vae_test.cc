// The VAE's version, sizes and statistics.
#include "arch/vae.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "config/presets.h"

namespace t3 {
namespace {

NamedViews ViewsOf(const VaeConfig& config) {
  NamedViews views;
  for (const TensorSpec& spec : VaeTensors(config)) {
    views.tensors[spec.name] = {DType::kF32, spec.shape, nullptr, 0};
  }
  return views;
}

VaeConfig Small(VaeVersion version, int64_t channels) {
  return {.version = version,
          .latent_channels = channels,
          .encoder_dim = 4,
          .decoder_dim = 6,
          .mean = std::vector<double>(static_cast<size_t>(channels), 0),
          .std = std::vector<double>(static_cast<size_t>(channels), 1)};
}

TEST(VaeTensors, SizesComeFromTensors) {
  for (const VaeVersion version : {VaeVersion::k21, VaeVersion::k22}) {
    EXPECT_EQ(ReadVaeConfig(ViewsOf(Small(version, 8)), nullptr), Small(version, 8));
  }
}

TEST(VaeTensors, PublishedStatisticsByVersion) {
  EXPECT_EQ(ReadVaeConfig(ViewsOf(Small(VaeVersion::k21, 16)), nullptr).std,
            LatentStd(VaeVersion::k21));
  EXPECT_EQ(ReadVaeConfig(ViewsOf(Small(VaeVersion::k22, 48)), nullptr).mean,
            LatentMean(VaeVersion::k22));
}

TEST(VaeTensors, StatisticsFromConfigAndMetadata) {
  VaeConfig config = Small(VaeVersion::k21, 2);
  config.mean = {0.5, -1};
  config.std = {2, 0.25};
  NamedViews views = ViewsOf(config);
  views.metadata = VaeMetadata(config);
  EXPECT_EQ(ReadVaeConfig(views, nullptr), config);
  const nlohmann::json json{{"latents_mean", {1, 2}}, {"latents_std", {3, 4}}};
  EXPECT_EQ(ReadVaeConfig(views, &json).mean, (std::vector<double>{1, 2}));
  const nlohmann::json bad{{"latents_mean", {1, 2, 3}}};
  EXPECT_THROW(ReadVaeConfig(views, &bad), Error);
  const nlohmann::json zero{{"latents_std", {0, 1}}};
  EXPECT_THROW(ReadVaeConfig(views, &zero), Error);
  views.metadata["t3.latents_mean"] = "[1,";
  EXPECT_THROW(ReadVaeConfig(views, nullptr), Error);
}

}  // namespace
}  // namespace t3
