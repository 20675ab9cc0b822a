// dataset.json written and read back, and what is refused.
#include "training/data/dataset_index.h"

#include <gmock/gmock.h>

#include "media/testing/frames.h"

namespace t3 {
namespace {

using testing::HasSubstr;

DatasetIndex SmallIndex() {
  DatasetIndex index;
  index.source = "/clips";
  index.settings = {
      .buckets = {{32, 16, 5}}, .fps = 23.976, .clips_per_video = 2, .max_upscale = 1.5};
  index.models = {"aa", "bb"};
  index.latent_channels = 16;
  index.spatial_stride = 8;
  index.text_width = 32;
  index.complete = true;
  index.texts = {{"", "text-00000.safetensors", "e"},
                 {"A \"boat\"\n", "text-00000.safetensors", "b"}};
  StoredClip& clip = index.clips.emplace_back();
  clip.file = "b.mp4";
  clip.caption = "A \"boat\"\n";
  clip.bucket = {32, 16, 5};
  clip.start = 1.25;
  clip.number = 1;
  clip.of_source = 2;
  clip.source = {123, 456, "cc"};
  clip.shard = "latents-00000.safetensors";
  clip.name = "cc.1";
  return index;
}

TEST(DatasetIndexTest, ComesBackAsWritten) {
  const TestFolder folder;
  EXPECT_FALSE(ReadIndex(folder.path().string()).has_value());
  const DatasetIndex index = SmallIndex();
  WriteIndex(folder.path().string(), index);
  const DatasetIndex read = ReadIndex(folder.path().string()).value();
  EXPECT_EQ(DifferenceInMaking(index, read), "");
  EXPECT_EQ(read.complete, true);
  EXPECT_EQ(read.text_width, 32);
  EXPECT_EQ(read.texts[1].caption, index.texts[1].caption);
  const StoredClip &a = read.clips.at(0), &b = index.clips.at(0);
  EXPECT_EQ(a.bucket, b.bucket);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(std::tie(a.file, a.caption, a.start, a.number, a.of_source, a.shard, a.name),
            std::tie(b.file, b.caption, b.start, b.number, b.of_source, b.shard, b.name));
}

DatasetIndex IndexWithDrafts() {
  DatasetIndex index = SmallIndex();
  index.settings.draft = {16, 8};
  index.decoder = "dd";
  index.clips[0].draft = StoredDraft{{16, 8}, "cc.1.draft"};
  return index;
}

TEST(DatasetIndexTest, DraftsComeBackAsWritten) {
  const TestFolder folder;
  const DatasetIndex index = IndexWithDrafts();
  WriteIndex(folder.path().string(), index);
  const DatasetIndex read = ReadIndex(folder.path().string()).value();
  EXPECT_EQ(DifferenceInMaking(index, read), "");
  ASSERT_TRUE(read.clips.at(0).draft.has_value());
  EXPECT_EQ(read.clips[0].draft->size, (VideoSize{16, 8}));
  EXPECT_EQ(read.clips[0].draft->name, "cc.1.draft");

  EXPECT_EQ(DifferenceInMaking(index, SmallIndex()), "its draft was 16x8, now none");
  EXPECT_EQ(DifferenceInMaking(SmallIndex(), index), "its draft was none, now 16x8");
  DatasetIndex other = index;
  other.decoder = "";
  EXPECT_THAT(DifferenceInMaking(index, other), HasSubstr("another decoder"));

  // Some clips with drafts, some without: not a dataset that prepare makes.
  other = index;
  other.clips[0].draft.reset();
  WriteIndex(folder.path().string(), other);
  EXPECT_THAT(ErrorOf([&] { ReadIndex(folder.path().string()); }), HasSubstr("lacks a draft"));
  other = SmallIndex();
  other.clips[0].draft = index.clips[0].draft;
  WriteIndex(folder.path().string(), other);
  EXPECT_THAT(ErrorOf([&] { ReadIndex(folder.path().string()); }), HasSubstr("has a draft"));
  for (const auto& [from, to] : {std::pair{"\"width\": 16,", "\"width\": 0,"},
                                 {"\"name\": \"cc.1.draft\"", "\"name\": 3"},
                                 {"\"decoder\": {", "\"decoder\": 1, \"x\": {"}}) {
    WriteIndex(folder.path().string(), index);
    std::string bytes = FileBytes(folder / "dataset.json");
    ASSERT_NE(bytes.find(from), std::string::npos) << from;
    WriteBytes(folder / "dataset.json",
               bytes.replace(bytes.find(from), std::string(from).size(), to));
    EXPECT_THAT(ErrorOf([&] { ReadIndex(folder.path().string()); }), HasSubstr("dataset.json"))
        << to;
  }
}

TEST(DatasetIndexTest, NamesWhatDiffers) {
  const DatasetIndex index = SmallIndex();
  DatasetIndex other = index;
  other.settings.fps = 16;
  EXPECT_EQ(DifferenceInMaking(index, other), "its fps was 23.976, now 16.0");
  other = index;
  other.settings.buckets = {{32, 16, 5}, {16, 16, 9}};
  EXPECT_EQ(DifferenceInMaking(index, other), "its sizes were 32x16x5, now 32x16x5 16x16x9");
  other = index;
  other.models.vae = "dd";
  EXPECT_THAT(DifferenceInMaking(index, other), HasSubstr("another VAE"));
  other = index;
  other.source = "/films";
  EXPECT_THAT(DifferenceInMaking(index, other), HasSubstr("/films"));
}

TEST(DatasetIndexTest, RefusesBrokenAndHostileFiles) {
  const TestFolder folder;
  const std::string path = folder.path().string();
  WriteIndex(path, SmallIndex());
  const std::string good = FileBytes(folder / "dataset.json");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string bytes = good;
    EXPECT_NE(bytes.find(from), std::string::npos) << from;
    bytes.replace(bytes.find(from), from.size(), to);
    WriteBytes(folder / "dataset.json", bytes);
    return ErrorOf([&] { ReadIndex(path); });
  };
  EXPECT_THAT(with("latents-00000.safetensors", "../../secret.safetensors"),
              HasSubstr("not a file name"));
  EXPECT_THAT(with("\"version\": 1", "\"version\": 2"), HasSubstr("version"));
  EXPECT_THAT(with("\"fps\"", "\"rate\""), HasSubstr("fps"));
  // Every number has a range: a stride of 0 would divide by zero.
  for (const auto& [from, to] : {std::pair{"\"stride\": 8", "\"stride\": 0"},
                                 {"\"stride\": 8", "\"stride\": -8"},
                                 {"\"channels\": 16", "\"channels\": 0"},
                                 {"\"channels\": 16", "\"channels\": 1e300"},
                                 {"\"width\": 32\n", "\"width\": 1e9\n"},
                                 {"\"frames\": 5", "\"frames\": -5"},
                                 {"\"height\": 16", "\"height\": 1.5"},
                                 {"\"fps\": 23.976", "\"fps\": -1"},
                                 {"\"clips_per_video\": 2", "\"clips_per_video\": 0"},
                                 {"\"max_upscale\": 1.5", "\"max_upscale\": null"},
                                 {"\"start\": 1.25", "\"start\": -1"},
                                 {"\"number\": 1", "\"number\": 2"},
                                 {"\"of_source\": 2", "\"of_source\": 0"},
                                 {"\"bytes\": 123", "\"bytes\": -1"},
                                 {"\"modified\": 456", "\"modified\": 1e300"},
                                 {"\"complete\": true", "\"complete\": 1"},
                                 {"\"texts\": [", "\"words\": ["}}) {
    EXPECT_THAT(with(from, to), HasSubstr("dataset.json")) << to;
  }
  EXPECT_THAT(with("\"version\": 1",
                   "\"version\": " + std::string(250'000, '[') + std::string(250'000, ']')),
              HasSubstr("nests deeper"));
  EXPECT_THAT(with("\"bytes\": 123", "\"bytes\": \"many\""), HasSubstr("dataset.json"));
  WriteBytes(folder / "dataset.json", good.substr(0, good.size() / 2));
  EXPECT_THAT(ErrorOf([&] { ReadIndex(path); }), HasSubstr("dataset.json"));
}

}  // namespace
}  // namespace t3
