// Stamps by the file system and XXH64.
#include "training/data/source_stamp.h"

#include <algorithm>
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

}  // namespace

SourceStamp StampOf(const std::string& path, const SourceStamp* known) {
  const std::vector<fs::path> files = FilesOf(path);
  SourceStamp stamp;
  stamp.modified = std::numeric_limits<int64_t>::min();  // the clock's times can be negative
  std::error_code failure;
  for (const fs::path& file : files) {
    stamp.bytes += static_cast<int64_t>(fs::file_size(file, failure));
    T3_CHECK(!failure, "cannot read {}: {}", file.string(), failure.message());
    const auto time = fs::last_write_time(file, failure).time_since_epoch();
    stamp.modified = std::max<int64_t>(stamp.modified, time.count());
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
