// Byte amounts, mapped files and atomic files.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/atomic_file.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "base/mapped_file.h"
#include "base/mix_bits.h"
#include "t3video/error.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

TEST(Bytes, ParsesUnits) {
  EXPECT_EQ(ParseBytes("24GB"), 24'000'000'000);
  EXPECT_EQ(ParseBytes("1.5 GiB"), 1'610'612'736);
  EXPECT_EQ(ParseBytes("800M"), 800'000'000);
  EXPECT_EQ(ParseBytes("17"), 17);
}

TEST(DigestTest, EqualsPublishedValuesOfXxh64) {
  EXPECT_EQ(DigestText(Digest("")), "ef46db3751d8e999");
  EXPECT_EQ(DigestText(Digest("a")), "d24ec4f1a98c6e5b");
  EXPECT_EQ(DigestText(Digest("abc")), "44bc2cf5ad770999");
  EXPECT_EQ(DigestText(Digest("Nobody inspects the spammish repetition")), "fbcea83c8a378bf1");
}

TEST(Bytes, RejectsEverythingElse) {
  for (const char* text : {"", "GB", "-1GB", "1XB", "nan", "inf", "1e30GB", "1 G B C"}) {
    EXPECT_THROW(ParseBytes(text), Error) << text;
  }
}

TEST(MappedFileTest, ReadsBytesAndRejectsFolders) {
  const fs::path file = fs::temp_directory_path() / "t3_mapped_file_test";
  std::ofstream(file) << "abc";
  EXPECT_EQ(MappedFile(file.string()).bytes().size(), 3u);
  fs::resize_file(file, 0);
  EXPECT_TRUE(MappedFile(file.string()).bytes().empty());
  fs::remove(file);
  EXPECT_THROW(MappedFile(file.string()), Error);
  EXPECT_THROW(MappedFile("/tmp"), Error);
}

TEST(AtomicFileTest, AppearsOnlyOnCommit) {
  const fs::path folder = fs::temp_directory_path() / "t3_atomic_file_test";
  fs::create_directories(folder);
  const fs::path target = folder / "out.txt";
  {
    AtomicFile file(target.string());
    std::ofstream(file.temporary()) << "half";
  }
  EXPECT_TRUE(fs::is_empty(folder));
  AtomicFile file(target.string());
  std::ofstream(file.temporary()) << "whole";
  file.Commit();
  EXPECT_TRUE(fs::exists(target));
  EXPECT_FALSE(fs::exists(file.temporary()));
  fs::remove_all(folder);
  EXPECT_THROW(AtomicFile(target.string()), Error);
}

TEST(AtomicFileTest, WritesTextsWhole) {
  const fs::path path = fs::temp_directory_path() / "t3_atomic_text.txt";
  WriteAtomically(path.string(), "first, and longer");
  WriteAtomically(path.string(), "second");
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "second");
  fs::remove(path);
  EXPECT_THROW(WriteAtomically("/nowhere/at/all.txt", "x"), Error);
}

TEST(AtomicFileTest, RemovesWhatDeadProcessesLeft) {
  const fs::path folder = fs::temp_directory_path() / "t3_stale_test";
  fs::remove_all(folder);
  fs::create_directories(folder / "frames" / ".frames.tmp-999999999");
  const std::string own = fmt::format(".a.tmp-{}.mp4", ::getpid());
  // No process has ids this large (the kernel's limit is 2^22).
  for (const std::string& name : {own, std::string(".a.tmp-999999999.mp4"),
                                  std::string(".b.tmp-999999999.mp4"), std::string("a.mp4")}) {
    std::ofstream(folder / name) << "x";
  }
  RemoveStaleTemporaries((folder / "a.mp4").string());
  EXPECT_FALSE(fs::exists(folder / ".a.tmp-999999999.mp4"));
  EXPECT_TRUE(fs::exists(folder / ".b.tmp-999999999.mp4"));  // of another output
  EXPECT_TRUE(fs::exists(folder / own));                     // still running
  EXPECT_TRUE(fs::exists(folder / "a.mp4"));
  RemoveStaleTemporaries((folder / "frames/").string());
  EXPECT_TRUE(fs::is_empty(folder / "frames"));
  fs::remove_all(folder);
}

// splitmix64's published numbers for the seed 1234567.
TEST(MixSequence, IsSplitmix64) {
  MixSequence numbers(1234567);
  EXPECT_EQ(numbers.Next(), 6457827717110365317u);
  EXPECT_EQ(numbers.Next(), 3203168211198807973u);
  EXPECT_EQ(MixBits(0), 0xe220a8397b1dcdafu);
}

}  // namespace
}  // namespace t3
