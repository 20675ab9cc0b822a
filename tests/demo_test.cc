// The shipped model as a user meets it: found by its name, small, and following its prompts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "program.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

TEST(DemoModel, FollowsItsPrompts) {
  const TemporaryFolder folder;
  const ProgramResult result = RunT3({"eval", "--model", "demo", "--clips", "4", "--device", "cpu",
                                      "--json", folder / "scores.json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json summary = json::parse(ReadBytes(folder / "scores.json"))["summary"];
  // A guess has 0.30 of the attributes right; docs/results/demo-model.md has the measured shares.
  EXPECT_GE(summary["attributes"]["mean"], 0.7);
  EXPECT_GE(summary["land"]["mean"], 0.75);
  EXPECT_GE(summary["time"]["mean"], 0.75);
}

TEST(DemoModel, MakesAVideoWithItsOwnSettings) {
  const TemporaryFolder folder;
  const ProgramResult result =
      RunT3({"generate", "--model", "demo", "--prompt", "The desert by day.", "--steps", "2",
             "--device", "cpu", "--output", folder / "a.mp4"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, testing::HasSubstr("512x288"));
  EXPECT_GT(fs::file_size(folder / "a.mp4"), 1000U);
}

TEST(DemoModel, SizesFarBelowItsOwnAreNoted) {
  const auto plan_at = [](const char* size, const char* draft = "none") {
    return RunT3({"generate", "--model", "demo", "--prompt", "The desert by day.", "--size", size,
                  "--draft", draft, "--device", "cpu", "--output", "a.mp4", "--dry-run"})
        .out;
  };
  EXPECT_THAT(plan_at("256x144"),
              testing::HasSubstr("256x144 is far below 512x288, the model's own size"));
  EXPECT_THAT(plan_at("384x216"), testing::Not(testing::HasSubstr("far below")));
  EXPECT_THAT(plan_at("512x288", "256x144"),
              testing::HasSubstr("draft: 256x144 is far below 512x288, the model's own size"));
}

TEST(DemoModel, IsSmall) {
  constexpr uintmax_t kMaxBytes = 26'000'000;
  uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(T3_DEMO_MODEL)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  EXPECT_GT(bytes, 0U);
  EXPECT_LE(bytes, kMaxBytes);
}

}  // namespace
}  // namespace t3
