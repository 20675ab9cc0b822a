// Stamps from the file system and XXH64.
#include "training/data/source_stamp.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>

#include "base/check.h"
#include "base/digest.h"
#include "base/mapped_file.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> FilesOf(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Nanoseconds since 1970, like every other tool's; the epoch of std::filesystem's clock is 2174.
int64_t ModificationTime(const fs::path& file) {
  struct stat status {};
  T3_CHECK(::stat(file.c_str(), &status) == 0, "cannot read {}: {}", file.string(),
           std::strerror(errno));
  constexpr int64_t kSecond = 1'000'000'000;
  constexpr int64_t kMaxSeconds = std::numeric_limits<int64_t>::max() / kSecond - 1;
  const int64_t seconds = std::clamp<int64_t>(status.st_mtim.tv_sec, -kMaxSeconds, kMaxSeconds);
  return seconds * kSecond + status.st_mtim.tv_nsec;
}

}  // namespace

SourceStamp StampOf(const std::string& path, const SourceStamp* known) {
  const std::vector<fs::path> files = FilesOf(path);
  SourceStamp stamp;
  stamp.modified = std::numeric_limits<int64_t>::min();  // files can be older than 1970
  std::error_code failure;
  for (const fs::path& file : files) {
    stamp.bytes += static_cast<int64_t>(fs::file_size(file, failure));
    T3_CHECK(!failure, "cannot read {}: {}", file.string(), failure.message());
    stamp.modified = std::max(stamp.modified, ModificationTime(file));
  }
  if (known != nullptr && known->bytes == stamp.bytes && known->modified == stamp.modified) {
    return *known;
  }
  std::string digests;
  for (const fs::path& file : files) digests += DigestText(Digest(MappedFile(file).bytes()));
  stamp.digest = files.size() == 1 ? digests : DigestText(Digest(digests));
  return stamp;
}

}  // namespace t3
