// The build's description names what a bug report needs.
#include "t3video/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

namespace t3 {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(VersionTest, VersionHasThreeNumbers) {
  EXPECT_TRUE(std::regex_match(GetBuildInfo().version, std::regex(R"(\d+\.\d+\.\d+)")))
      << GetBuildInfo().version;
}

TEST(VersionTest, CommitIsAHashOrUnknown) {
  EXPECT_TRUE(
      std::regex_match(GetBuildInfo().commit, std::regex("unknown|[0-9a-f]{7,40}(-dirty)?")))
      << GetBuildInfo().commit;
}

TEST(VersionTest, DescriptionNamesEachFact) {
  const BuildInfo& info = GetBuildInfo();
  const std::string text = DescribeBuild();
  EXPECT_THAT(text, StartsWith("t3video " + info.version + " (commit " + info.commit + ")\n"));
  EXPECT_THAT(text, HasSubstr("compiler       " + info.compiler + ", " + info.build_type + "\n"));
  EXPECT_THAT(text, HasSubstr("cuda           "));
  EXPECT_THAT(text, HasSubstr("ffmpeg         "));
  EXPECT_EQ(text.back(), '\n');
}

}  // namespace
}  // namespace t3
