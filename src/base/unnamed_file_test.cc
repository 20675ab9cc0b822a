// Files without a name are read as they were written, and leave nothing.
#include "base/unnamed_file.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace t3 {
namespace {

namespace fs = std::filesystem;

TEST(UnnamedFile, HoldsWhatIsWrittenAndLeavesNothing) {
  const fs::path folder = fs::path(testing::TempDir()) / "t3_unnamed_file_test";
  fs::create_directories(folder);
  {
    UnnamedFile file;
    EXPECT_FALSE(file.is_open());
    EXPECT_EQ(file.Open(folder), "");
    EXPECT_TRUE(fs::is_empty(folder));
    EXPECT_EQ(file.Reserve(100), "");
    EXPECT_EQ(file.Write("abc", 3, 40), "");
    std::string text(3, ' ');
    EXPECT_EQ(file.Read(text.data(), 3, 40, "early"), "");
    EXPECT_EQ(text, "abc");
    EXPECT_EQ(file.Read(text.data(), 3, 98, "early"), "early");
  }
  fs::remove_all(folder);
}

TEST(UnnamedFile, FailuresHaveAReason) {
  UnnamedFile file;
  EXPECT_EQ(file.Open("/no/such/folder"), "No such file or directory");
  EXPECT_FALSE(file.is_open());
  EXPECT_EQ(file.Write("a", 1, 0), "Bad file descriptor");
}

}  // namespace
}  // namespace t3
