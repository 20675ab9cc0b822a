// A mapped file that is cut short reads as zeros and is reported.
#include "base/lost_pages.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "base/check.h"
#include "base/mapped_file.h"

namespace t3 {
namespace {

TEST(LostPages, AreZerosAndNameTheFile) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("t3-lost-pages-" + std::to_string(::getpid()));
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  std::ofstream(path) << std::string(3 * page, 'x');
  std::optional<MappedFile> file(path);
  const std::span<const std::byte> bytes = file->bytes();
  EXPECT_EQ(bytes[2 * page + 1], std::byte{'x'});
  CheckMappedFiles();
  std::filesystem::resize_file(path, page);
  EXPECT_EQ(bytes[page + 5], std::byte{0});  // would be SIGBUS
  EXPECT_EQ(bytes[3 * page - 1], std::byte{0});
  EXPECT_EQ(bytes[page - 1], std::byte{'x'});
  try {
    CheckMappedFiles();
    FAIL() << "not reported";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr(path));
  }
  file.reset();
  CheckMappedFiles();  // nobody reads it any more
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace t3
