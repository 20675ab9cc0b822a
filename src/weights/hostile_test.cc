// Every hostile file ends in an error that says what is wrong, whatever it claims.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "t3video/error.h"
#include "weights/file_kind.h"
#include "weights/gguf.h"
#include "weights/safetensors.h"
#include "weights/shard_index.h"
#include "weights/testing/hostile_files.h"
#include "weights/testing/test_folder.h"
#include "weights/torch_file.h"
#include "weights/weight_file.h"

namespace t3 {
namespace {

std::vector<HostileFile> AllFiles() {
  std::vector<HostileFile> all;
  for (auto* part : {&HostileSafetensors, &HostileIndexes, &HostileZips, &HostileGgufs,
                     &HostilePickles, &ForeignFiles}) {
    for (HostileFile& file : part()) all.push_back(std::move(file));
  }
  return all;
}

// What opening the file says; empty when it opens.
std::string OpenError(const std::string& path) {
  try {
    WeightFile::Open(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// Reads one file from memory; false when it is refused.
bool Parses(const std::string& text) {
  const Bytes bytes = std::as_bytes(std::span(text));
  try {
    switch (RecogniseFile(bytes)) {
      case FileKind::kSafetensors:
        ParseSafetensors(bytes);
        return true;
      case FileKind::kShardIndex:
        ParseShardIndex(bytes);
        return true;
      case FileKind::kTorchZip:
        ParseTorchZip(bytes);
        return true;
      case FileKind::kTorchLegacy:
        ParseTorchLegacy(bytes);
        return true;
      case FileKind::kGguf:
        ParseGguf(bytes);
        return true;
      case FileKind::kUnknown:
        break;
    }
  } catch (const Error&) {
  }
  return false;
}

TEST(HostileFiles, AreRefusedWithTheirFault) {
  for (const HostileFile& file : AllFiles()) {
    SCOPED_TRACE(file.name);
    const test::Folder folder;
    for (const auto& [name, bytes] : file.siblings) folder.Add(name, bytes);
    const std::string path = folder.Add(file.name, file.bytes);
    const std::string error = OpenError(path);
    EXPECT_THAT(error, testing::HasSubstr(file.message));
    EXPECT_THAT(error, testing::StartsWith("cannot read the weights in " + path));
    EXPECT_LT(error.size(), 1000u);
    EXPECT_EQ(error.find_first_of("\x1b\n"), std::string::npos) << "would drive the terminal";
  }
}

TEST(HostileFiles, AreManyAndDifferent) {
  std::set<std::string> names;
  std::set<std::string> contents;
  for (const HostileFile& file : AllFiles()) {
    EXPECT_TRUE(names.insert(file.name).second) << file.name;
    EXPECT_TRUE(contents.insert(file.bytes).second) << file.name;
    EXPECT_FALSE(file.message.empty()) << file.name;
  }
  EXPECT_GE(names.size(), 200u);
}

TEST(HostileFiles, NothingWasExecuted) {
  for (const HostileFile& file : HostilePickles()) {
    const test::Folder folder;
    OpenError(folder.Add(file.name, file.bytes));
  }
  EXPECT_FALSE(std::filesystem::exists("/tmp/owned"));
}

std::vector<SeedFile> GoodFiles() {
  std::vector<SeedFile> good;
  for (SeedFile& seed : SeedFiles()) {
    if (seed.name.starts_with("good") && Parses(seed.bytes)) good.push_back(std::move(seed));
  }
  return good;
}

TEST(HostileFiles, EveryTruncationOfAGoodFileIsRefused) {
  ASSERT_GE(GoodFiles().size(), 5u) << "each format has one";
  for (const SeedFile& file : GoodFiles()) {
    for (size_t length = 0; length < file.bytes.size(); ++length) {
      EXPECT_FALSE(Parses(file.bytes.substr(0, length))) << file.name << " cut to " << length;
    }
  }
}

// With one byte changed it may still be a valid file, but nothing may crash: the sanitizers watch.
TEST(HostileFiles, EveryChangedByteOfAGoodFile) {
  size_t refused = 0;
  for (const SeedFile& file : GoodFiles()) {
    for (size_t at = 0; at < file.bytes.size(); ++at) {
      for (const int flip : {0xFF, 0x01, 0x80}) {
        std::string bytes = file.bytes;
        bytes[at] = static_cast<char>(bytes[at] ^ flip);
        refused += Parses(bytes) ? 0 : 1;
      }
    }
  }
  EXPECT_GT(refused, 0u);
}

TEST(HostileFiles, MissingFileAndFolder) {
  EXPECT_THAT(OpenError("/nonexistent/x.safetensors"), testing::HasSubstr("cannot open"));
  EXPECT_THAT(OpenError(testing::TempDir()), testing::HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace t3
