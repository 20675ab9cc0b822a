// Settings that say the same in other words.
#include "training/loop/resume_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"

namespace t3 {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

// Means the same where these do: a, 0 by default, and b of c, 1 by default.
std::pair<int, int> Meaning(const json& document) {
  const json c = document.value("c", json::object());
  T3_CHECK(c.is_object(), "c is not an object");
  return {document.value("a", 0), c.value("b", 1)};
}

std::vector<std::string> Differences(const json& recorded, const json& now, bool by_meaning = true,
                                     const json& identity = json::object()) {
  ResumeSettings settings(now, /*steps_decide=*/false);
  if (by_meaning) {
    settings.CompareBy([now](const json& other) { return Meaning(other) == Meaning(now); });
  }
  return settings.DifferencesFrom(recorded, identity);
}

TEST(ResumeSettings, ADefaultThatIsWrittenOutIsNoDifference) {
  const json usual = json::object(), written{{"a", 0}, {"c", {{"b", 1}}}};
  EXPECT_THAT(Differences(usual, written), IsEmpty());
  EXPECT_THAT(Differences(written, usual), IsEmpty());
  EXPECT_THAT(Differences({{"c", json::object()}}, usual), IsEmpty());
  EXPECT_THAT(Differences({{"a", 2}}, {{"a", 2}, {"c", json::object()}}), IsEmpty());
  EXPECT_THAT(Differences(usual, written, /*by_meaning=*/false),
              ElementsAre("a was absent, now 0", "c was absent, now {\"b\":1}"));
}

TEST(ResumeSettings, OnlyFieldsThatDecideAreNamed) {
  EXPECT_THAT(Differences({{"a", 0}}, {{"c", {{"b", 7}}}}),
              ElementsAre("c was absent, now {\"b\":7}"));
  EXPECT_THAT(Differences({{"c", {{"b", 3}}}}, {{"a", 0}, {"c", {{"b", 7}}}}),
              ElementsAre("c/b was 3, now 7"));
  // Of another version: it cannot be read here.
  EXPECT_THAT(Differences({{"c", "new"}}, {{"c", {{"b", 1}}}}),
              ElementsAre("c was \"new\", now {\"b\":1}"));
}

TEST(ResumeSettings, PlacesAreFreeAndTheIdentityHasInputs) {
  const json now{{"output", "x"}, {"steps", 3}, {"teacher", {{"model", "m"}, {"guidance", 2}}}};
  EXPECT_EQ(ResumeSettings(now, false).recorded(), (json{{"teacher", {{"guidance", 2}}}}));
  EXPECT_EQ(ResumeSettings(now, true).recorded()["steps"], 3);
  const json other{{"teacher", {{"guidance", 4}}}};
  EXPECT_THAT(Differences(other, now, /*by_meaning=*/false, {{"teacher", {{"guidance", 4}}}}),
              IsEmpty());
  EXPECT_THAT(Differences(other, now, /*by_meaning=*/false),
              ElementsAre("teacher/guidance was 4, now 2"));
  EXPECT_THAT(
      Differences({{"buckets", 1}}, {{"buckets", 2}}, /*by_meaning=*/false, {{"data", "clips"}}),
      IsEmpty());
}

}  // namespace
}  // namespace t3
