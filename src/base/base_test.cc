// Byte amounts, digests, mapped files, mixed bits.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

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

// splitmix64's published numbers for the seed 1234567.
TEST(MixSequence, IsSplitmix64) {
  MixSequence numbers(1234567);
  EXPECT_EQ(numbers.Next(), 6457827717110365317u);
  EXPECT_EQ(numbers.Next(), 3203168211198807973u);
  EXPECT_EQ(MixBits(0), 0xe220a8397b1dcdafu);
}

}  // namespace
}  // namespace t3
