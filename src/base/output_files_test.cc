// Writing files: whole or not at all, by one process at a time, never over another purpose's file.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "base/atomic_file.h"
#include "base/extension.h"
#include "base/file_claims.h"
#include "base/file_lock.h"
#include "base/new_folder.h"
#include "base/output_lock.h"
#include "base/target_path.h"
#include "base/testing/error_of.h"
#include "base/text.h"
#include "t3video/error.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class OutputFiles : public testing::Test {
 protected:
  OutputFiles() {
    std::string pattern = (fs::temp_directory_path() / "t3-output-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~OutputFiles() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  void Put(const std::string& name, const std::string& text = "x") const {
    std::ofstream(folder_ / name) << text;
  }
  std::string Get(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  size_t Count() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }

  fs::path folder_;
};

// Runs `act` in a child process that ends without destructors, as one that is killed.
void InKilledProcess(const std::function<void()>& act) {
  const pid_t child = ::fork();
  if (child == 0) {
    act();
    ::raise(SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST_F(OutputFiles, AppearOnlyOnCommit) {
  {
    AtomicFile file(Path("out.txt"));
    std::ofstream(file.temporary()) << "half";
  }
  EXPECT_EQ(Count(), 0u);
  AtomicFile file(Path("out.txt"));
  const std::string temporary = file.temporary();
  EXPECT_TRUE(temporary.ends_with(".txt"));
  std::ofstream(temporary) << "whole";
  file.Commit();
  EXPECT_EQ(Get("out.txt"), "whole");
  EXPECT_FALSE(fs::exists(temporary));
  EXPECT_THROW(AtomicFile("/nowhere/at/all.txt"), Error);
  EXPECT_THROW(AtomicFile(folder_.string()), Error);
  EXPECT_THROW(AtomicFile(Path("new/")), Error);
}

TEST_F(OutputFiles, WriteTextsWhole) {
  WriteAtomically(Path("a.txt"), "first, and longer");
  WriteAtomically(Path("a.txt"), "second");
  EXPECT_EQ(Get("a.txt"), "second");
  EXPECT_EQ(Count(), 1u);
  EXPECT_THROW(WriteAtomically("/nowhere/at/all.txt", "x"), Error);
}

TEST_F(OutputFiles, GoWhereASymbolicLinkLeads) {
  fs::create_directory(folder_ / "disk");
  Put("disk/old.txt");
  fs::create_symlink("disk/old.txt", folder_ / "link.txt");
  fs::create_symlink("link.txt", folder_ / "second.txt");
  fs::create_symlink(folder_ / "disk/new.txt", folder_ / "dangling.txt");
  fs::create_symlink("circle.txt", folder_ / "circle.txt");
  WriteAtomically(Path("second.txt"), "through two");
  WriteAtomically(Path("dangling.txt"), "to nothing yet");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link.txt"));
  EXPECT_EQ(Get("disk/old.txt"), "through two");
  EXPECT_TRUE(fs::is_symlink(folder_ / "dangling.txt"));
  EXPECT_EQ(Get("disk/new.txt"), "to nothing yet");
  EXPECT_THAT(ErrorOf([&] { AtomicFile(Path("circle.txt")); }), HasSubstr("circle.txt"));
}

TEST_F(OutputFiles, NeverReplacePipesAndDevices) {
  ASSERT_EQ(::mkfifo(Path("pipe.y4m").c_str(), 0600), 0);
  fs::create_symlink("/dev/null", folder_ / "null");
  EXPECT_THAT(ErrorOf([&] { AtomicFile(Path("pipe.y4m")); }), HasSubstr("a pipe"));
  EXPECT_THAT(ErrorOf([&] { AtomicFile(Path("null")); }), HasSubstr("a device"));
  EXPECT_THAT(ErrorOf([] { AtomicFile("/dev/full"); }), HasSubstr("a device"));
  FileClaims claims;
  EXPECT_THAT(ErrorOf([&] { claims.Write("the output", Path("pipe.y4m")); }), HasSubstr("a pipe"));
  EXPECT_EQ(ErrorOf([&] { claims.Read("the prompts", Path("pipe.y4m")); }), "");
  EXPECT_TRUE(fs::is_fifo(folder_ / "pipe.y4m"));
}

TEST_F(OutputFiles, HaveNamesThatFileSystemsTake) {
  const std::string longest = std::string(251, 'x') + ".txt";
  WriteAtomically(Path(longest), "taken");
  EXPECT_EQ(Get(longest), "taken");
  const OutputLock lock(Path(longest));
  EXPECT_THAT(ErrorOf([&] { AtomicFile(Path("x" + longest)); }), HasSubstr("256 bytes"));
  std::string cats;
  for (int i = 0; i < 80; ++i) cats += "\xe7\x8c\xab";
  EXPECT_LE(ShortenName(cats, 100).size(), 100u);
  EXPECT_TRUE(IsUtf8(ShortenName(cats, 100)));
  EXPECT_NE(ShortenName(cats, 100), ShortenName(cats + "x", 100));
  EXPECT_EQ(ShortenName("short", 100), "short");
}

TEST_F(OutputFiles, LeftoversOfDeadProcessesGo) {
  fs::create_directory(folder_ / "frames");
  InKilledProcess([&] {
    const AtomicFile a(Path("a.mp4"));
    const AtomicFile b(Path("b.mp4"));
    const Temporary inside = Temporary::Folder(folder_ / "frames", "frames");
    const Temporary beside = Temporary::Folder(folder_, "made");
    std::ofstream(beside.path() + "/frame_00000.png") << "x";
    ::raise(SIGKILL);
  });
  const AtomicFile alive(Path("a.mp4"));
  Put("a.mp4");
  Put("a.tmp-mine.txt");  // not hidden
  EXPECT_EQ(Count(), 7u);
  RemoveStaleTemporaries(Path("a.mp4"));
  EXPECT_EQ(Count(), 6u);  // that of b.mp4 is another output's
  EXPECT_TRUE(fs::exists(alive.temporary()));
  RemoveStaleTemporaries(std::vector<std::string>{Path("frames/"), Path("made"), Path("b.mp4")});
  EXPECT_TRUE(fs::is_empty(folder_ / "frames"));
  EXPECT_EQ(Count(), 4u);
  EXPECT_TRUE(fs::exists(folder_ / "a.mp4"));
}

TEST_F(OutputFiles, AreWrittenByOneProcessAtATime) {
  std::optional<OutputLock> lock(Path("a.mp4"));
  const std::string message = ErrorOf([&] { OutputLock(Path("a.mp4")); });
  EXPECT_THAT(message,
              HasSubstr("a.mp4 is being written by process " + std::to_string(::getpid())));
  EXPECT_THAT(message, HasSubstr(HostName()));
  EXPECT_THAT(message, HasSubstr("since 20"));
  fs::create_symlink("a.mp4", folder_ / "link.mp4");
  EXPECT_THAT(ErrorOf([&] { OutputLock(Path("link.mp4")); }), HasSubstr("is being written"));
  { const OutputLock other(Path("b.mp4")); }
  lock.reset();
  { const OutputLock again(Path("a.mp4")); }
  fs::remove(folder_ / "link.mp4");
  EXPECT_EQ(Count(), 0u);
  InKilledProcess([&] {
    const OutputLock held(Path("a.mp4"));
    ::raise(SIGKILL);
  });
  const OutputLock after_a_kill(Path("a.mp4"));
}

TEST_F(OutputFiles, HaveOnePurposeEach) {
  Put("in.png");
  fs::create_symlink("in.png", folder_ / "link.png");
  fs::create_hard_link(folder_ / "in.png", folder_ / "hard.png");
  fs::create_directory(folder_ / "frames");
  const auto clash = [&](const std::string& output) {
    FileClaims claims;
    claims.Read("the image", Path("in.png"));
    claims.Read("the noise", Path("in.png"));  // two may read one file
    return ErrorOf([&] { claims.Write("the output", output); });
  };
  for (const char* name : {"in.png", "link.png", "hard.png", "./frames/../in.png"})
    EXPECT_THAT(clash(Path(name)), HasSubstr("the image")) << name;
  EXPECT_EQ(clash(Path("out.png")), "");
  EXPECT_EQ(clash(""), "");

  FileClaims claims;
  claims.Write("the output", Path("v.mp4"));
  EXPECT_THAT(ErrorOf([&] { claims.Write("the record", Path("frames/../v.mp4")); }),
              HasSubstr("the output"));
  EXPECT_THAT(ErrorOf([&] { claims.Read("the LoRA", Path("v.mp4")); }), HasSubstr("the LoRA"));
  claims.WriteFolder("the output", Path("frames/"));
  EXPECT_THAT(ErrorOf([&] { claims.Write("the preview", Path("frames/now.png")); }),
              HasSubstr("in the folder of the output"));
  FileClaims reversed;
  reversed.Read("the image", Path("frames/a.png"));
  EXPECT_THAT(ErrorOf([&] { reversed.WriteFolder("the output", Path("frames")); }),
              HasSubstr("in the folder of the output"));
}

TEST_F(OutputFiles, EmptyNewFoldersGoAgain) {
  fs::create_directory(folder_ / "there");
  {
    const NewFolder folder(Path("there/a/b/"));
    EXPECT_TRUE(fs::is_directory(folder_ / "there/a/b"));
  }
  EXPECT_TRUE(fs::is_empty(folder_ / "there"));
  {
    const NewFolder folder(Path("there/a/b"));
    Put("there/a/x");
  }
  EXPECT_FALSE(fs::exists(folder_ / "there/a/b"));
  EXPECT_TRUE(fs::exists(folder_ / "there/a/x"));
  { const NewFolder existing(Path("there")); }
  EXPECT_TRUE(fs::exists(folder_ / "there"));
  Put("file");
  EXPECT_THROW(NewFolder(Path("file")), Error);
  EXPECT_THROW(NewFolder(Path("file/a")), Error);
  EXPECT_THROW(CheckWritableFolder(Path("file/a")), Error);
  const size_t before = Count();
  CheckWritableFolder(Path("new/a"));
  EXPECT_EQ(Count(), before);
}

TEST(Extension, IsComparedInEitherCase) {
  EXPECT_TRUE(HasExtension("a/b.PNG", ".png"));
  for (const char* path : {"a.jpg", ".png", "a/.png", "png", "a.png/b", "a.png/"})
    EXPECT_FALSE(HasExtension(path, ".png")) << path;
  CheckExtension("`preview`", "", ".png");
  EXPECT_THROW(CheckExtension("`preview`", "a.jpg", ".png"), Error);
}

}  // namespace
}  // namespace t3
