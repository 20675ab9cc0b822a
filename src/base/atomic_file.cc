// AtomicFile over rename(2).
#include "base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/target_path.h"
#include "base/write_all.h"

namespace t3 {
namespace fs = std::filesystem;

namespace {

fs::path FileTarget(const std::string& path) {
  fs::path target = ResolveTarget(path);
  std::error_code ignored;
  T3_CHECK(!path.empty() && !path.ends_with('/') && !fs::is_directory(target, ignored),
           "cannot write {}: it is a folder", path);
  return target;
}

}  // namespace

AtomicFile::AtomicFile(std::string path)
    : path_(std::move(path)), target_(FileTarget(path_)), temporary_(Temporary::File(target_)) {}

void AtomicFile::Commit() {
  // By name, not by the descriptor that was opened first: a writer may have recreated the file.
  const FileDescriptor file(::open(temporary().c_str(), O_RDONLY | O_CLOEXEC));
  T3_CHECK(file.get() >= 0 && ::fsync(file.get()) == 0, "cannot finish {}: {}", path_,
           std::strerror(errno));
  T3_CHECK(::rename(temporary().c_str(), target_.c_str()) == 0, "cannot rename {} to {}: {}",
           temporary(), path_, std::strerror(errno));
  temporary_.Release();
  SyncFolder(FolderOf(target_));
}

void WriteAtomically(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  const FileDescriptor out(::open(file.temporary().c_str(), O_WRONLY | O_CLOEXEC));
  T3_CHECK(out.get() >= 0, "cannot write {}: {}", path, std::strerror(errno));
  T3_CHECK(WriteAll(out.get(), text), "cannot write {}: {}", path, std::strerror(errno));
  file.Commit();
}

void SyncFolder(const fs::path& folder) {
  const FileDescriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() >= 0) ::fsync(file.get());
}

}  // namespace t3
