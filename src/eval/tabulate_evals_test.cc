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
using testing::HasSubstr;
using testing::Not;

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
  const std::string means = TabulateEvals(arms, "", {});
  // Means by scene: dense 2, 2; t3 1, 2; base 1, 2.
  EXPECT_THAT(means, HasSubstr("|  | dense | t3 | base |\n"));
  EXPECT_THAT(means, HasSubstr("| validation loss | 2 | 1.5 | 1.5 |\n"));
  EXPECT_THAT(means, HasSubstr("| forward, s | 2 | 1 | 1 |\n"));
  const std::string text = TabulateEvals(arms, "dense", {{"loss", -20}});
  // Gains 1 and 0: mean 0.5, standard error 0.5, t(1) = 12.706; by seed 0.5 and 0.5.
  EXPECT_THAT(text, HasSubstr("| t3 | +0.5 | -5.853 to +6.853 | +0.5, +0.5 | 2 | yes |\n"));
  EXPECT_THAT(text, HasSubstr("| base | +0.5 | -5.853 to +6.853 |  | 2 | yes |\n"));
  EXPECT_THAT(text, Not(HasSubstr("| dense | +")));
  EXPECT_THAT(TabulateEvals(arms, "dense", {{"loss", -5}}), HasSubstr("| 2 | no |\n"));
  EXPECT_THAT(means, Not(HasSubstr("margin")));
}

TEST(TabulateEvals, WhatCannotBeCompared) {
  const test::Folder folder;
  const std::string a = WriteLosses(folder, "a", {1});
  EXPECT_THAT(TabulateEvals({{"a", {a}}, {"b", {a}}}, "a", {{"loss", -1}}),
              HasSubstr("| b | +0 | none | +0 | 1 | no |"));
  EXPECT_THROW(TabulateEvals({{"a", {a}}}, "b", {}), Error);
  EXPECT_THROW(TabulateEvals({{"a", {a}}, {"a", {a}}}, "", {}), Error);
  EXPECT_THROW(TabulateEvals({{"a", {a}}, {"b", {a}}}, "a", {{"detail_ratio", 0}}), Error);
}

}  // namespace
}  // namespace t3
