// AtomicFile over rename(2).
#include "base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/check.h"

namespace t3 {
namespace fs = std::filesystem;

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  const fs::path target(path_);
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  std::error_code ignored;
  T3_CHECK(fs::is_directory(folder, ignored), "cannot write {}: the folder {} does not exist",
           path_, folder.string());
  T3_CHECK(!fs::is_directory(target, ignored), "cannot write {}: it is a folder", path_);
  T3_CHECK(::access(folder.c_str(), W_OK) == 0,
           "cannot write {}: the folder {} is not writable ({})", path_, folder.string(),
           std::strerror(errno));
  temporary_ = (folder / fmt::format(".{}.tmp-{}{}", target.stem().string(), ::getpid(),
                                     target.extension().string()))
                   .string();
}

AtomicFile::~AtomicFile() {
  if (!committed_) ::unlink(temporary_.c_str());
}

void AtomicFile::Commit() {
  const int fd = ::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC);
  T3_CHECK(fd >= 0, "cannot finish {}: {}", path_, std::strerror(errno));
  const bool synced = ::fsync(fd) == 0;
  const int sync_error = errno;
  ::close(fd);
  T3_CHECK(synced, "cannot finish {}: {}", path_, std::strerror(sync_error));
  T3_CHECK(::rename(temporary_.c_str(), path_.c_str()) == 0, "cannot rename {} to {}: {}",
           temporary_, path_, std::strerror(errno));
  committed_ = true;
}

}  // namespace t3
