// CLIP's token ids against open_clip's tokenizer.
#include "tokenizer/clip_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "base/testing/error_of.h"
#include "t3video/error.h"

namespace t3 {
namespace {

constexpr int64_t kContext = 77;

nlohmann::json Oracle() {
  return ReadJson(T3_SOURCE_DIR "/tests/data/oracle/score_networks.json", kLongLists);
}

std::string WriteFile(const std::string& name, const std::string& text) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "t3_clip_tokenizer";
  std::filesystem::create_directories(folder);
  const std::string path = (folder / name).string();
  std::ofstream(path) << text;
  return path;
}

// Padded with zeros, as the oracle has them.
std::vector<int32_t> Padded(std::vector<int32_t> ids) {
  ids.resize(kContext, 0);
  return ids;
}

void ExpectIds(const ClipTokenizer& tokenizer, const nlohmann::json& oracle) {
  for (size_t i = 0; i < oracle.at("texts").size(); ++i) {
    const std::string text = oracle["texts"][i];
    EXPECT_EQ(Padded(tokenizer.Encode(text, kContext)),
              oracle["ids"][i].get<std::vector<int32_t>>())
        << text;
  }
}

TEST(ClipTokenizer, EqualsOpenClip) {
  const nlohmann::json oracle = Oracle();
  const auto count = static_cast<int64_t>(oracle.at("merges").size());
  std::string lines = "#version: 0.2\n";
  nlohmann::json texts = nlohmann::json::array(), pairs = texts;
  for (const std::string merge : oracle["merges"]) {
    const size_t space = merge.find(' ');
    lines += merge + "\n";
    texts.push_back(merge);
    pairs.push_back({merge.substr(0, space), merge.substr(space + 1)});
  }
  ExpectIds(ClipTokenizer(WriteFile("merges.txt", lines + "more than needed\n"), 514 + count),
            oracle);
  for (const nlohmann::json& merges : {texts, pairs}) {
    const nlohmann::json file{{"model", {{"merges", merges}}}};
    ExpectIds(ClipTokenizer(WriteFile("tokenizer.json", file.dump()), 514 + count), oracle);
  }
}

// By hand: T3_CLIP_MERGES names OpenAI's vocabulary, unpacked; T3_CLIP_IDS a file like the
// oracle's.
TEST(ClipTokenizer, DISABLED_EqualsOpenClipWithItsVocabulary) {
  const char* const merges = std::getenv("T3_CLIP_MERGES");
  const char* const ids = std::getenv("T3_CLIP_IDS");
  ASSERT_TRUE(merges != nullptr && ids != nullptr);
  ExpectIds(ClipTokenizer(merges, 49408), ReadJson(ids, kLongLists));
}

TEST(ClipTokenizer, CutsLongTextsBeforeTheEnd) {
  const ClipTokenizer tokenizer(WriteFile("none.txt", "heading\n"), 514);
  const std::vector<int32_t> ids = tokenizer.Encode("abcdef", 5);
  EXPECT_EQ(ids, (std::vector<int32_t>{512, 'a' - '!', 'b' - '!', 'c' - '!', 513}));
  EXPECT_EQ(tokenizer.Encode("", 2), (std::vector<int32_t>{512, 513}));
  EXPECT_EQ(tokenizer.Encode("a", 77), (std::vector<int32_t>{512, 256 + 'a' - '!', 513}));
}

TEST(ClipTokenizer, DoesNotHangOnALongWord) {
  const ClipTokenizer tokenizer(WriteFile("one.txt", "heading\na b\n"), 515);
  std::string word;
  for (int i = 0; i < 500'000; ++i) word += "ab";
  const std::vector<int32_t> ids = tokenizer.Encode(word, kContext);
  EXPECT_EQ(ids.size(), 77U);
  EXPECT_EQ(ids[75], 512);
}

TEST(ClipTokenizer, NamesWhatIsWrong) {
  const auto error = [](const std::string& name, const std::string& text, int64_t size) {
    return ErrorOf([&] { ClipTokenizer(WriteFile(name, text), size); });
  };
  EXPECT_THAT(error("few.txt", "heading\na b\n", 516), ::testing::HasSubstr("has 1 merges"));
  EXPECT_THAT(error("odd.txt", "heading\na b c\n", 515),
              ::testing::HasSubstr("wanted two symbols"));
  EXPECT_THAT(error("order.txt", "heading\nab c\n", 515),
              ::testing::HasSubstr("which no earlier merge makes"));
  EXPECT_THAT(error("bad.json", "{\"model\": {}}", 515), ::testing::HasSubstr("model.merges"));
  EXPECT_THAT(error("kind.json", "{\"model\": {\"merges\": [3]}}", 515),
              ::testing::HasSubstr("is not two symbols"));
  EXPECT_THROW(ClipTokenizer("/absent/merges.txt", 515), Error);
}

}  // namespace
}  // namespace t3
