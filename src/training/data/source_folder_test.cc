// Folders as people have them: links, letters of either case, folders that may not be read.
#include "training/data/source_folder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "media/testing/frames.h"
#include "training/data/source_list.h"
#include "training/data/source_stamp.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> Pairs(const FolderContents& contents) {
  std::vector<std::string> pairs;
  for (const FoundMedia& media : contents.media) pairs.push_back(media.name + " " + media.caption);
  return pairs;
}

std::string ReasonOf(const FolderContents& contents, const std::string& file) {
  for (const RejectedSource& source : contents.rejected) {
    if (source.file == file) return source.reason;
  }
  return "";
}

TEST(WalkFolderTest, ALinkCountsByItsOwnName) {
  const TestFolder folder;
  fs::create_directories(folder / "set");
  fs::create_directories(folder / "blobs");
  WriteBytes(folder / "blobs/3fa9", "video");
  WriteBytes(folder / "blobs/77c1", "A boat");
  fs::create_symlink("../blobs/3fa9", folder / "set/boat.mp4");  // as in a Hugging Face cache
  fs::create_symlink("../blobs/77c1", folder / "set/boat.txt");
  fs::create_symlink("../blobs/gone", folder / "set/gone.mp4");
  WriteBytes(folder / "set/gone.txt", "Nothing");
  fs::create_symlink("self.mp4", folder / "set/self.mp4");
  fs::create_symlink("/unmounted/archive", folder / "set/archive");
  const FolderContents contents = WalkFolder(folder / "set");
  EXPECT_THAT(Pairs(contents), ElementsAre("boat.mp4 boat.txt"));
  EXPECT_THAT(ReasonOf(contents, "gone.mp4"), HasSubstr("link"));
  EXPECT_EQ(ReasonOf(contents, "gone.txt"), "");  // one reason is enough
  EXPECT_THAT(ReasonOf(contents, "self.mp4"), HasSubstr("link"));
  EXPECT_THAT(ReasonOf(contents, "archive"), HasSubstr("link"));
  EXPECT_EQ(ReadSources(folder / "set").sources.at(0).caption, "A boat");
}

TEST(WalkFolderTest, LinkedFoldersAreWalkedOnce) {
  const TestFolder folder;
  for (const char* name : {"set/real", "archive"}) {
    fs::create_directories(folder / name);
    WriteBytes(folder / (std::string(name) + "/a.mp4"), name);
    WriteBytes(folder / (std::string(name) + "/a.txt"), "A");
  }
  fs::create_directory_symlink("../archive", folder / "set/more");
  fs::create_directory_symlink("real", folder / "set/alias");  // known as real
  fs::create_directory_symlink("..", folder / "set/real/up");  // a circle
  fs::create_directory_symlink("../set", folder / "archive/back");
  EXPECT_THAT(Pairs(WalkFolder(folder / "set")),
              ElementsAre("more/a.mp4 more/a.txt", "real/a.mp4 real/a.txt"));
  fs::create_directory_symlink("set", folder / "link");
  EXPECT_EQ(WalkFolder(folder / "link").media.size(), 2u);
}

TEST(WalkFolderTest, CaptionsInEitherCase) {
  const TestFolder folder;
  for (const char* name : {"CLIP01.MP4", "CLIP01.TXT", "clip02.mp4", "Clip02.txt", "Both.mp4",
                           "both.mp4", "both.txt", "BOTH.txt", "two.png", "two.TXT", "two.txt"}) {
    WriteBytes(folder / name, name);
  }
  const FolderContents contents = WalkFolder(folder.path());
  EXPECT_THAT(Pairs(contents), ElementsAre("CLIP01.MP4 CLIP01.TXT", "both.mp4 both.txt",
                                           "clip02.mp4 Clip02.txt", "two.png two.txt"));
  EXPECT_THAT(ReasonOf(contents, "Both.mp4"), HasSubstr("Both.txt"));  // two would do
  EXPECT_THAT(ReasonOf(contents, "BOTH.txt"), HasSubstr("without a video"));
  EXPECT_THAT(ReasonOf(contents, "two.TXT"), HasSubstr("without a video"));
}

TEST(WalkFolderTest, AFolderThatMayNotBeReadIsNamed) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TestFolder folder;
  fs::create_directory(folder / "lost+found");
  WriteBytes(folder / "a.mp4", "a");
  WriteBytes(folder / "a.txt", "A");
  fs::permissions(folder / "lost+found", fs::perms::none);
  const FolderContents contents = WalkFolder(folder.path());
  fs::permissions(folder / "lost+found", fs::perms::owner_all);
  EXPECT_EQ(contents.media.size(), 1u);
  EXPECT_THAT(ReasonOf(contents, "lost+found"), HasSubstr("Permission denied"));
}

TEST(WalkFolderTest, ManyCaptionsTakeLittleTime) {
  const TestFolder folder;
  constexpr int kPairs = 4000;
  for (int i = 0; i < kPairs; ++i) {
    WriteBytes(folder / (std::to_string(i) + ".mp4"), "");
    WriteBytes(folder / (std::to_string(i) + ".txt"), "A");
  }
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(WalkFolder(folder.path()).media.size(), size_t{kPairs});
  // Some 30 ms; a search through all captions for every file took 300 ms here.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(SourceStampTest, TimesAreThoseOfTheEpochThatEverybodyUses) {
  const TestFolder folder;
  WriteBytes(folder / "a.mp4", "a");
  const timespec times[2] = {{-3600, 0}, {-3600, 5}};  // an hour before 1970
  ASSERT_EQ(::utimensat(AT_FDCWD, (folder / "a.mp4").c_str(), times, 0), 0);
  const SourceStamp stamp = StampOf(folder / "a.mp4", nullptr);
  EXPECT_EQ(stamp.modified, -3600 * int64_t{1'000'000'000} + 5);
  EXPECT_EQ(StampOf(folder / "a.mp4", &stamp), stamp);
}

}  // namespace
}  // namespace t3
