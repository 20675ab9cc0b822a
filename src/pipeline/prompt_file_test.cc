// Prompt files in all their forms, good and bad.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "t3video/error.h"
#include "t3video/tools.h"

namespace t3 {
namespace {

class PromptFileTest : public testing::Test {
 protected:
  std::vector<PromptEntry> Read(const std::string& name, const std::string& content) {
    path_ = std::filesystem::temp_directory_path() / ("t3_prompt_file_test_" + name);
    std::ofstream(path_, std::ios::binary) << content;
    return ReadPromptFile(path_.string());
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::filesystem::path path_;
};

TEST_F(PromptFileTest, BenchForm) {
  const auto entries =
      Read("a.json", R"([{"data_file": "v.mp4", "prompt_en": "A cat."}, {"prompt": "B"}, "C"])");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].prompt, "A cat.");
  EXPECT_EQ(entries[1].prompt, "B");
  EXPECT_EQ(entries[2].prompt, "C");
  EXPECT_EQ(entries[2].number, 3);
}

TEST_F(PromptFileTest, BadEntriesAreReportedAndTheOthersKept) {
  const auto entries = Read("b.json", R"(["one", 2, {"prompt_en": 3}, {"text": "x"}, "five"])");
  ASSERT_EQ(entries.size(), 5u);
  EXPECT_THAT(entries[1].error, testing::HasSubstr("number"));
  EXPECT_THAT(entries[2].error, testing::HasSubstr("prompt_en"));
  EXPECT_THAT(entries[3].error, testing::HasSubstr("neither"));
  EXPECT_EQ(entries[4].prompt, "five");
}

TEST_F(PromptFileTest, TextLines) {
  const auto entries = Read("c.txt",
                            "\xEF\xBB\xBF"
                            "first\r\n\n# a note\n  [second]  \n\xFF\xFE\n");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].prompt, "first");
  EXPECT_EQ(entries[1].prompt, "[second]");
  EXPECT_EQ(entries[1].number, 4);
  EXPECT_THAT(entries[2].error, testing::HasSubstr("UTF-8"));
}

TEST_F(PromptFileTest, UnreadableFilesThrow) {
  EXPECT_THROW(ReadPromptFile("/no/such/file"), Error);
  EXPECT_THROW(Read("d.json", "[\"a\","), Error);
  EXPECT_THROW(Read("e.json", "{\"a\": 1}"), Error);
  EXPECT_THROW(Read("f.txt", "\n\n"), Error);
}

}  // namespace
}  // namespace t3
