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

// It would take the rows up to the next quote, or all of them.
TEST_F(PromptFileTest, AQuoteThatIsNotClosedIsNamedByItsLine) {
  const auto error = [&](const std::string& text) -> std::string {
    try {
      Read("q.csv", text);
    } catch (const Error& failed) {
      return failed.what();
    }
    return "no error";
  };
  EXPECT_THAT(error("prompt,seed\n\"a, b\",5\n\"oops,6\nthird,7\nfourth,8\n"),
              testing::HasSubstr("q.csv, line 3: a cell begins with a quote that is not closed"));
  EXPECT_THAT(error("prompt,seed\n\"oops,6\n\"third\",7\n"),
              testing::HasSubstr("line 2: a cell begins with a quote, and text follows"));
  EXPECT_EQ(error("prompt,seed\r\n\"a \"\"b\"\"\nc\" ,5\r\n\"d\"\r\n"), "no error");
}

using Options = std::vector<std::pair<std::string, std::string>>;

TEST_F(PromptFileTest, FieldsBecomeOptions) {
  const auto entries = Read("g.json", R"([{"prompt": "a", "negative_prompt": "b", "seed": 3,
      "guidance": 4.5, "width": 64, "height": 32, "number": 7, "category": null, "id": "x"}])");
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].number, 7);
  EXPECT_EQ(entries[0].options, (Options{{"negative-prompt", "b"},
                                         {"seed", "3"},
                                         {"guidance", "4.5"},
                                         {"id", "x"},
                                         {"size", "64x32"}}));
  EXPECT_THAT(Read("h.json", R"([{"prompt": "a", "number": "seven"}])")[0].error,
              testing::HasSubstr("whole number"));
}

TEST_F(PromptFileTest, JsonLines) {
  for (const char* name : {"i.jsonl", "i.json", "i"}) {
    const auto entries =
        Read(name, "{\"prompt\": \"a\", \"seed\": 1}\n{\"prompt_en\": \"b\"}\n{]\n");
    ASSERT_EQ(entries.size(), 3u) << name;
    EXPECT_EQ(entries[0].options, (Options{{"seed", "1"}}));
    EXPECT_EQ(entries[1].prompt, "b");
    EXPECT_NE(entries[2].error, "");
  }
}

TEST_F(PromptFileTest, Tables) {
  const auto entries =
      Read("j.csv",
           "prompt,seed,negative_prompt\r\n\"a, \"\"big\"\"\ncat\",3,\r\ndog,,blur\n\nx,1,2,3\n");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].prompt, "a, \"big\"\ncat");
  EXPECT_EQ(entries[0].options, (Options{{"seed", "3"}}));
  EXPECT_EQ(entries[1].options, (Options{{"negative-prompt", "blur"}}));
  EXPECT_THAT(entries[2].error, testing::HasSubstr("more cells"));
  EXPECT_EQ(Read("j.tsv", "seed\tprompt\n4\ta, b\n")[0].prompt, "a, b");
  EXPECT_EQ(Read("j2.csv", "seed;prompt\n4;a\n")[0].options, (Options{{"seed", "4"}}));
  EXPECT_THROW(Read("j3.csv", "a cat\na dog\n"), Error);
}

TEST_F(PromptFileTest, NamesOfFieldsHaveLettersOfEitherCase) {
  const auto entries = Read("m.csv", "Prompt,Seed,Negative_Prompt\na cat,3,blur\n");
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].prompt, "a cat");
  EXPECT_EQ(entries[0].options, (Options{{"seed", "3"}, {"negative-prompt", "blur"}}));
  EXPECT_EQ(Read("m.json", R"([{"Prompt": "a", "SEED": 1}])")[0].options, (Options{{"seed", "1"}}));
  EXPECT_THAT(Read("m2.json", R"([{"prompt": "a", "seed": 1, "Seed": 2}])")[0].error,
              testing::HasSubstr("'seed' twice"));
}

TEST_F(PromptFileTest, SizesAreGivenOnceAndWhole) {
  const auto error = [&](const char* fields) {
    return Read("n.json", std::string("[{\"prompt\": \"a\", ") + fields + "}]")[0].error;
  };
  EXPECT_THAT(error("\"width\": 64"), testing::HasSubstr("a width without a height"));
  EXPECT_THAT(error("\"height\": 64"), testing::HasSubstr("a height without a width"));
  EXPECT_THAT(error("\"size\": \"64x32\", \"width\": 64, \"height\": 32"),
              testing::HasSubstr("give one of the two"));
}

TEST_F(PromptFileTest, Utf16) {
  using namespace std::string_literals;
  const auto entries = Read("k.txt",
                            "\xFF\xFE"
                            "a\0 \0c\0a\0t\0\r\0\n\0a\0 \0d\0o\0g\0"s);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].prompt, "a cat");
  EXPECT_EQ(entries[1].prompt, "a dog");
  EXPECT_THROW(Read("k2.txt", "a\0 \0c\0a\0t\0"s), Error);
}

TEST_F(PromptFileTest, DeepJsonIsAnError) {
  EXPECT_THROW(Read("l.json", "{\"prompts\": " + std::string(250'000, '[')), Error);
}

TEST_F(PromptFileTest, UnreadableFilesThrow) {
  EXPECT_THROW(ReadPromptFile("/no/such/file"), Error);
  EXPECT_THROW(Read("d.json", "[\"a\","), Error);
  EXPECT_THROW(Read("e.json", "{\"a\": 1}"), Error);
  EXPECT_THROW(Read("f.txt", "\n\n"), Error);
}

}  // namespace
}  // namespace t3
