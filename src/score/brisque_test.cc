// BRISQUE against the published package (tools/oracle_score.py), and broken model files.
#include "score/brisque.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/read_text.h"
#include "base/temporary.h"
#include "score/testing/published_metrics.h"
#include "score/testing/test_clip.h"
#include "t3video/error.h"

namespace t3 {
namespace {

using ::testing::HasSubstr;

const std::string kModel = T3_SOURCE_DIR "/tests/data/score/brisque_cut.txt";
constexpr testing::TestClip kTexture{.width = 230, .height = 210};

TEST(Brisque, FeaturesAreThePackages) {
  const std::vector<float> luma = testing::LumaOfFrame(kTexture.Frame(0));
  const BrisqueFeatures features =
      BrisqueFeaturesOf({kTexture.width, kTexture.height, luma.data()});
  const auto expected = testing::PublishedMetrics()["brisque_features"].get<std::vector<double>>();
  ASSERT_EQ(expected.size(), features.size());
  for (size_t i = 0; i < features.size(); ++i) {
    // The shapes have steps of 0.001.
    EXPECT_NEAR(features[i], expected[i], 1e-3 + 1e-3 * std::abs(expected[i])) << i;
  }
}

TEST(Brisque, ScoreIsThePackages) {
  const MetricGroup group{"brisque", 1, {}, OpenBrisque};
  const MetricValues values =
      testing::ScoreTestClip(group, kTexture, 4, nullptr, {.weights = kModel});
  EXPECT_NEAR(values.at(0).second, testing::PublishedMetrics()["values"]["brisque"].get<double>(),
              0.5);
}

std::string ErrorOfModel(const std::string& text) {
  const Temporary file = Temporary::File(::testing::TempDir() + "model.txt");
  std::ofstream(file.path()) << text;
  try {
    BrisqueModel::Read(file.path());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Brisque, BrokenModelsAreNamed) {
  const std::string good = ReadText(kModel);
  EXPECT_EQ(ErrorOfModel(good), "");
  EXPECT_THAT(ErrorOfModel(""), HasSubstr("is not a BRISQUE model"));
  EXPECT_THAT(ErrorOfModel("svm_type c_svc\nkernel_type rbf\nSV\n"),
              HasSubstr("is not a BRISQUE model"));
  EXPECT_THAT(ErrorOfModel(good.substr(0, good.size() / 2)), HasSubstr("support vector"));
  EXPECT_THAT(ErrorOfModel(good.substr(0, good.rfind('\n', good.size() - 2) + 1)),
              HasSubstr("cut short: it has 11 support vectors of 12"));
  const std::string head =
      "svm_type epsilon_svr\nkernel_type rbf\ngamma 0.05\nrho 1\ntotal_sv 1\nSV\n";
  EXPECT_EQ(ErrorOfModel(head + "1 1:0.5\n"), "");
  for (const char* line : {"1 37:0.5", "1 0:0.5", "1 1=0.5", "1 1:nan", "x 1:0.5", "1 1:"})
    EXPECT_THAT(ErrorOfModel(head + line + "\n"), HasSubstr("support vector 1 is not")) << line;
  EXPECT_THAT(ErrorOfModel("svm_type epsilon_svr\nkernel_type rbf\nrho 1\ntotal_sv 1\nSV\n"),
              HasSubstr("no number gamma"));
}

}  // namespace
}  // namespace t3
