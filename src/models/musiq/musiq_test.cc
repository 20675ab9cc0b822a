// MUSIQ against pyiqa.
#include "models/musiq/musiq.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>

#include "arch/musiq.h"
#include "base/check.h"
#include "nn/testing/oracle_weights.h"
#include "nn/testing/weight_file.h"

namespace t3 {
namespace {

MusiqConfig SmallMusiq(int64_t classes) {
  return {.patch = 8,
          .width = 128,
          .ffn_dim = 96,
          .layers = 2,
          .classes = classes,
          .longer_sides = {56, 96}};
}

double OracleScore(const MusiqConfig& config, int64_t height, int64_t width) {
  const at::NoGradGuard no_grad;
  return Musiq(config, OracleWeights(MusiqTensors(config)))
      .Score(OraclePattern(1, height, width)[0].to(at::kFloat) / 255);
}

TEST(Musiq, EqualsPyiqa) {
  EXPECT_NEAR(OracleScore(SmallMusiq(1), 75, 130), OracleValue("musiq.score").item<double>(),
              kOracleTolerance);
}

TEST(Musiq, EqualsPyiqaWithADistribution) {
  EXPECT_NEAR(OracleScore(SmallMusiq(10), 130, 75),
              OracleValue("musiq.classes.score").item<double>(), kOracleTolerance);
}

TEST(Musiq, DISABLED_EqualsPyiqaAtFullSize) {
  EXPECT_NEAR(OracleScore({}, 300, 500),
              OracleValue("musiq.score", "score_networks_full").item<double>(), kOracleTolerance);
}

TEST(Musiq, ReadsSizesFromTheTensors) {
  for (const int64_t classes : {1, 10}) {
    MusiqConfig config{.width = 64, .ffn_dim = 20, .layers = 3, .grid = 4, .classes = classes};
    config.patch = 8;
    TestTensors file;
    for (const auto& [name, value] : OracleWeights(MusiqTensors(config))) file[name] = value.cpu();
    const NamedViews views = NameTensors(TestFile("musiq.safetensors", file), MusiqNaming());
    EXPECT_EQ(ReadMusiqConfig(views), config);
    EXPECT_NO_THROW(CheckComplete(views, MusiqTensors(config), "MUSIQ"));
    file.erase("block1.gn2.bias");
    const NamedViews less = NameTensors(TestFile("less.safetensors", file), MusiqNaming());
    EXPECT_THAT(ErrorOf([&] { CheckComplete(less, MusiqTensors(config), "MUSIQ"); }),
                ::testing::HasSubstr("1 tensor is missing: block1.gn2.bias"));
  }
}

TEST(Musiq, RefusesOtherNetworks) {
  const auto other = TestFile("other.safetensors", {{"conv_root.weight", at::zeros({64})}});
  EXPECT_THAT(ErrorOf([&] { ReadMusiqConfig(NameTensors(other, MusiqNaming())); }),
              ::testing::HasSubstr("does not hold MUSIQ"));
  EXPECT_THROW(OracleScore(SmallMusiq(1), 0, 8), Error);
}

}  // namespace
}  // namespace t3
