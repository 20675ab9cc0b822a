// Tables of measurements worked by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "t3video/error.h"
#include "t3video/eval.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

using nlohmann::json;
using testing::Each;
using testing::ElementsAre;
using testing::Eq;
using testing::Optional;

// Scenes 1, 2, ... with these losses.
std::string WriteLosses(const test::Folder& folder, const std::string& name,
                        const std::vector<double>& losses) {
  json record{{"size", "64x48"}, {"frames", 5}, {"forward_seconds", losses[0]}};
  for (size_t i = 0; i < losses.size(); ++i)
    record["clips"].push_back({{"scene", i + 1}, {"measures", {{"loss", losses[i]}}}});
  std::ofstream(folder.Path(name)) << record;
  return folder.Path(name);
}

TEST(TabulateEvals, ByHand) {
  const test::Folder folder;
  const std::string a1 = WriteLosses(folder, "a1", {1, 2}), a2 = WriteLosses(folder, "a2", {3, 2});
  const std::string b1 = WriteLosses(folder, "b1", {1, 1}), b2 = WriteLosses(folder, "b2", {1, 3});
  const std::vector<NamedEvals> arms{{"dense", {a1, a2}}, {"t3", {b1, b2}}, {"base", {a1}}};
  const EvalTable means = TabulateEvals(arms);
  // Means by scene: dense 2, 2; t3 1, 2; base 1, 2.
  EXPECT_THAT(means.names, ElementsAre("dense", "t3", "base"));
  ASSERT_EQ(means.rows.size(), 1U);
  EXPECT_EQ(means.rows[0].kind.name, "loss");
  EXPECT_THAT(means.rows[0].means, ElementsAre(Optional(2.0), Optional(1.5), Optional(1.5)));
  EXPECT_THAT(means.forward_seconds, ElementsAre(Optional(2.0), Optional(1.0), Optional(1.0)));
  EXPECT_THAT(means.attention_macs, Each(Eq(std::nullopt)));
  const std::vector<GainTable> tables = TabulateGains(arms, "dense", {{"loss", -20}, {"loss", -5}});
  ASSERT_EQ(tables.size(), 2U);
  ASSERT_EQ(tables[0].rows.size(), 2U);
  // Gains 1 and 0: mean 0.5, standard error 0.5, t(1) = 12.706; by seed 0.5 and 0.5.
  const GainRow& t3 = tables[0].rows[0];
  EXPECT_EQ(t3.name, "t3");
  EXPECT_DOUBLE_EQ(t3.gain.mean, 0.5);
  EXPECT_NEAR(t3.gain.low, -5.853, 1e-3);
  EXPECT_NEAR(t3.gain.high, 6.853, 1e-3);
  EXPECT_THAT(t3.by_seed, ElementsAre(0.5, 0.5));
  EXPECT_EQ(t3.gain.count, 2);
  EXPECT_TRUE(t3.above_margin);
  EXPECT_EQ(tables[0].rows[1].name, "base");
  EXPECT_TRUE(tables[0].rows[1].by_seed.empty());
  EXPECT_FALSE(tables[1].rows[0].above_margin);
}

TEST(TabulateEvals, WhatCannotBeCompared) {
  const test::Folder folder;
  const std::string a = WriteLosses(folder, "a", {1});
  const GainRow row = TabulateGains({{"a", {a}}, {"b", {a}}}, "a", {{"loss", -1}})[0].rows[0];
  EXPECT_EQ(row.gain.count, 1);
  EXPECT_FALSE(row.above_margin);
  EXPECT_THROW(TabulateGains({{"a", {a}}}, "b", {}), Error);
  EXPECT_THROW(TabulateEvals({{"a", {a}}, {"a", {a}}}), Error);
  EXPECT_THROW(TabulateGains({{"a", {a}}, {"b", {a}}}, "a", {{"detail_ratio", 0}}), Error);
}

}  // namespace
}  // namespace t3
