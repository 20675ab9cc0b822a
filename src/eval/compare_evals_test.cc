// Paired comparison against numbers worked by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/testing/error_of.h"
#include "t3video/error.h"
#include "t3video/eval.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class CompareEvalsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) / (std::string("compare_evals_") + test->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Scenes 1, 2, ... with these values of a measure; NaN-free.
  std::string Write(const std::string& name,
                    const std::map<std::string, std::vector<double>>& values,
                    int first_scene = 1) const {
    json record{{"size", "64x48"}, {"frames", 5}, {"clips", json::array()}};
    for (const auto& [measure, list] : values) {
      for (size_t i = 0; i < list.size(); ++i) {
        record["clips"][i]["scene"] = static_cast<size_t>(first_scene) + i;
        record["clips"][i]["measures"][measure] = list[i];
      }
    }
    const std::string path = folder_ / name;
    std::ofstream(path) << record;
    return path;
  }

  fs::path folder_;
};

// The gain in one measure; a gain of no clips where it is not compared.
MeasureGain RowOf(const EvalComparison& comparison, const std::string& measure) {
  for (const MeasureGain& row : comparison.measures) {
    if (row.kind.name == measure) return row;
  }
  return {};
}

TEST_F(CompareEvalsTest, ByHand) {
  const std::string a = Write("a.json", {{"land", {1, 1, 0, 1}}, {"loss", {0.5, 0.6, 0.7, 0.8}}});
  const std::string b = Write("b.json", {{"land", {1, 1, 1, 1}}, {"loss", {0.4, 0.6, 0.5, 0.9}}});
  const EvalComparison result = CompareEvals({a}, {b}, -0.15);
  EXPECT_EQ(result.title_a, a + " (64x48x5)");
  EXPECT_EQ(result.title_b, b + " (64x48x5)");
  // Differences 0, 0, 1, 0, and of Bonett and Price 1 and -1: mean 1/6, squares 3/6.
  const MeasureGain land = RowOf(result, "land");
  EXPECT_DOUBLE_EQ(land.a, 0.75);
  EXPECT_DOUBLE_EQ(land.b, 1);
  EXPECT_DOUBLE_EQ(land.gain.mean, 0.25);
  EXPECT_NEAR(land.gain.low, 1. / 6 - 1.959964 * std::sqrt((0.5 - 1. / 36) / 6), 1e-6);
  EXPECT_NEAR(land.gain.high, 1. / 6 + 1.959964 * std::sqrt((0.5 - 1. / 36) / 6), 1e-6);
  EXPECT_EQ(land.gain.count, 4);
  EXPECT_EQ(land.above_margin, false);
  // Less loss is better: gains 0.1, 0, 0.2, -0.1, of mean 0.05 and variance 1/60.
  const MeasureGain loss = RowOf(result, "loss");
  EXPECT_NEAR(loss.gain.mean, 0.05, 1e-12);
  EXPECT_NEAR(loss.gain.low, 0.05 - 3.18245 * 0.0645497, 1e-5);
  EXPECT_EQ(loss.above_margin, false);
  EXPECT_EQ(RowOf(CompareEvals({a}, {b}, -0.16), "loss").above_margin, true);
  EXPECT_EQ(RowOf(result, "time").gain.count, 0);
}

TEST_F(CompareEvalsTest, PairsOnlyTheScenesInBoth) {
  const std::string a = Write("a.json", {{"land", {1, 0, 0}}});     // scenes 1 to 3
  const std::string b = Write("b.json", {{"land", {1, 1, 1}}}, 2);  // 2 to 4
  const MeasureGain row = RowOf(CompareEvals({a}, {b}, {}), "land");
  EXPECT_EQ(row.gain.count, 2);
  EXPECT_DOUBLE_EQ(row.gain.mean, 1);
  EXPECT_LT(row.gain.low, 0) << "two scenes show little";
  EXPECT_EQ(row.gain.high, 1);
  EXPECT_FALSE(row.above_margin);
}

TEST_F(CompareEvalsTest, SeveralFilesAreMeansByScene) {
  const std::string a1 = Write("a1.json", {{"loss", {1, 2, 3}}});
  const std::string a2 = Write("a2.json", {{"loss", {3, 2, 1}}});
  const std::string b1 = Write("b1.json", {{"loss", {1, 1, 1}}});
  const std::string b2 = Write("b2.json", {{"loss", {1, 3}}});
  const MeasureGain row = RowOf(CompareEvals({a1, a2}, {b1, b2}, {}), "loss");
  // Scenes 1 and 2, which all have: A 2 and 2, B 1 and 2; gains 1 and 0, t(1) = 12.706.
  EXPECT_EQ(row.gain.count, 2);
  EXPECT_DOUBLE_EQ(row.gain.mean, 0.5);
  EXPECT_NEAR(row.gain.high, 0.5 + 12.7062 * 0.5, 1e-3);
  EXPECT_THROW(CompareEvals({a1, a2}, {b1}, {}), Error);
}

TEST_F(CompareEvalsTest, OneSceneHasNoInterval) {
  const std::string a = Write("a.json", {{"land", {0}}, {"loss", {1}}});
  const std::string b = Write("b.json", {{"land", {1}}, {"loss", {0}}});
  const MeasureGain row = RowOf(CompareEvals({a}, {b}, 0.0), "loss");
  EXPECT_EQ(row.gain.low, -INFINITY);
  EXPECT_EQ(row.above_margin, false);
  EXPECT_EQ(RowOf(CompareEvals({a}, {b}, 0.0), "land").above_margin, false) << "a share";
}

TEST_F(CompareEvalsTest, ARatioHasNoVerdict) {
  const std::string a = Write("a.json", {{"detail_ratio", {0.5, 0.7}}});
  const std::string b = Write("b.json", {{"detail_ratio", {1.5, 1.7}}});
  const MeasureGain row = RowOf(CompareEvals({a}, {b}, 0.0), "detail_ratio");
  EXPECT_DOUBLE_EQ(row.gain.mean, 1);
  EXPECT_FALSE(row.above_margin);
}

std::string ComparisonError(const std::string& a, const std::string& b) {
  return ErrorOf([&] { CompareEvals({a}, {b}, {}); });
}

TEST_F(CompareEvalsTest, WrongFilesAreNamed) {
  const std::string a = Write("a.json", {{"land", {1, 0}}});
  EXPECT_THAT(ComparisonError(a, folder_ / "none.json"), HasSubstr("none.json: No such file"));
  std::ofstream(folder_ / "text.json") << "not JSON";
  EXPECT_THAT(ComparisonError(a, folder_ / "text.json"), HasSubstr("text.json is not valid JSON"));
  std::ofstream(folder_ / "list.json") << "[]";
  EXPECT_THAT(ComparisonError(a, folder_ / "list.json"),
              HasSubstr("is not a record of `t3 eval --json`"));
  EXPECT_THAT(ComparisonError(a, Write("far.json", {{"land", {1}}}, 90)),
              HasSubstr("share no scene"));
  EXPECT_THAT(ComparisonError(a, Write("other.json", {{"time", {1}}})),
              HasSubstr("share no scene"));
}

}  // namespace
}  // namespace t3
