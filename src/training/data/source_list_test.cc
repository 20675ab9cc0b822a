// Every form of a list, and every fault that an entry can have.
#include "training/data/source_list.h"

#include <gmock/gmock.h>

#include "media/testing/frames.h"

namespace t3 {
namespace {

using testing::HasSubstr;

std::string ReasonOf(const SourceList& list, const std::string& file) {
  for (const RejectedSource& source : list.rejected) {
    if (source.file == file) return source.reason;
  }
  return "";
}

std::vector<std::string> NamesOf(const SourceList& list) {
  std::vector<std::string> names;
  for (const Source& source : list.sources) names.push_back(source.name);
  return names;
}

TEST(SourceListTest, FolderWithCaptionsBeside) {
  const TestFolder folder;
  std::filesystem::create_directory(folder / "more");
  for (const char* name : {"b.mp4", "a.PNG", "more/c.y4m", "none.mp4", "blank.mp4", "latin.mp4",
                           "notes.pdf", ".hidden.mp4"}) {
    WriteBytes(folder / name, name);
  }
  WriteBytes(folder / "b.txt", "  A boat\non the sea \n");
  WriteBytes(folder / "a.txt", "An apple");
  WriteBytes(folder / "more/c.txt",
             "\xef\xbb\xbf"
             "A car\r\n");
  WriteBytes(folder / "blank.txt", " \n");
  WriteBytes(folder / "latin.txt", "caf\xe9");
  WriteBytes(folder / "alone.txt", "Nothing to see");
  const SourceList list = ReadSources(folder.path().string());
  EXPECT_THAT(NamesOf(list), testing::ElementsAre("a.PNG", "b.mp4", "more/c.y4m"));
  EXPECT_TRUE(list.sources[0].image);
  EXPECT_FALSE(list.sources[1].image);
  EXPECT_EQ(list.sources[1].caption, "A boat\non the sea");
  EXPECT_EQ(list.sources[2].caption, "A car");
  EXPECT_EQ(list.rejected.size(), 4u);
  EXPECT_THAT(ReasonOf(list, "none.mp4"), HasSubstr("none.txt"));
  EXPECT_THAT(ReasonOf(list, "blank.mp4"), HasSubstr("empty"));
  EXPECT_THAT(ReasonOf(list, "latin.mp4"), HasSubstr("UTF-8"));
  EXPECT_THAT(ReasonOf(list, "alone.txt"), HasSubstr("without a video"));
}

TEST(SourceListTest, JsonListWithWrongFields) {
  const TestFolder folder;
  for (const char* name : {"a.mp4", "b.png", "c.doc"}) WriteBytes(folder / name, name);
  const std::string list_text = R"([
    {"file": "a.mp4", "caption": "A boat", "note": "kept apart"},
    {"path": "b.png", "text": "A tree"},
    {"file": "b.png"},
    {"file": "b.png", "caption": 7},
    "a.mp4",
    {"file": "./a.mp4", "caption": "Again"},
    {"file": "c.doc", "caption": "A letter"},
    {"file": "gone.mp4", "caption": "A ghost"}])";
  WriteBytes(folder / "captions.json", list_text);
  const SourceList list = ReadSources(folder.path().string());
  EXPECT_THAT(NamesOf(list), testing::ElementsAre("a.mp4"));
  ASSERT_EQ(list.rejected.size(), 7u);
  EXPECT_THAT(ReasonOf(list, "captions.json:2"),
              HasSubstr("no field \"file\"; its fields are: path, text"));
  EXPECT_THAT(list.rejected[1].reason, HasSubstr("no field \"caption\""));
  EXPECT_THAT(list.rejected[2].reason, HasSubstr("\"caption\" is a JSON number"));
  EXPECT_THAT(ReasonOf(list, "captions.json:5"), HasSubstr("JSON string"));
  EXPECT_THAT(ReasonOf(list, "./a.mp4"), HasSubstr("the same file as a.mp4"));
  EXPECT_THAT(ReasonOf(list, "c.doc"), HasSubstr("extension"));
  EXPECT_THAT(ReasonOf(list, "gone.mp4"), HasSubstr("no such file"));
  // The same list under another name, by its path.
  WriteBytes(folder / "other.json", list_text);
  EXPECT_EQ(ReadSources(folder / "other.json").sources.size(), 1u);
  std::filesystem::rename(folder / "captions.json", folder / "Captions.JSON");
  EXPECT_EQ(ReadSources(folder.path().string()).sources.size(), 1u);
}

TEST(SourceListTest, JsonLines) {
  const TestFolder folder;
  for (const char* name : {"a.mp4", "b.png"}) WriteBytes(folder / name, name);
  WriteBytes(folder / "list.jsonl",
             "{\"file\": \"a.mp4\", \"caption\": \"A boat\"}\n\n{\"file\": \n"
             "{\"file\": \"b.png\", \"caption\": \"A tree\"}\n");
  const SourceList list = ReadSources(folder / "list.jsonl");
  EXPECT_THAT(NamesOf(list), testing::ElementsAre("a.mp4", "b.png"));
  ASSERT_EQ(list.rejected.size(), 1u);
  EXPECT_THAT(ReasonOf(list, "list.jsonl:3"), HasSubstr("not valid JSON"));
}

TEST(SourceListTest, RefusesWhatIsNoSource) {
  const TestFolder folder;
  WriteBytes(folder / "broken.json", "[{");
  WriteBytes(folder / "object.json", "{}");
  WriteBytes(folder / "list.csv", "a.mp4,A boat");
  EXPECT_THAT(ErrorOf([&] { ReadSources(folder / "broken.json"); }), HasSubstr("not valid JSON"));
  EXPECT_THAT(ErrorOf([&] { ReadSources(folder / "object.json"); }), HasSubstr("JSON object"));
  EXPECT_THAT(ErrorOf([&] { ReadSources(folder / "list.csv"); }), HasSubstr(".jsonl"));
  EXPECT_THAT(ErrorOf([&] { ReadSources(folder / "gone"); }), HasSubstr("no such file"));
  WriteBytes(folder / "deep.json", std::string(250'000, '[') + std::string(250'000, ']'));
  EXPECT_THAT(ErrorOf([&] { ReadSources(folder / "deep.json"); }), HasSubstr("nests deeper"));
}

}  // namespace
}  // namespace t3
