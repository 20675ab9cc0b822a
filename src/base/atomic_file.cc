// AtomicFile over rename(2).
#include "base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/check.h"

namespace t3 {
namespace fs = std::filesystem;

namespace {

// The process id at the front of `text`; 0 when there is none.
pid_t LeadingPid(std::string_view text) {
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  return pid;
}

bool IsRunning(pid_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

// Of the writers' temporaries for `target` in `folder`: ".STEM.tmp-PID.EXT" for files, for folders
// of frames ".NAME.tmp-PID".
void RemoveStaleIn(const fs::path& folder, const fs::path& target) {
  const std::string file_prefix = fmt::format(".{}.tmp-", target.stem().string());
  const std::string folder_prefix = fmt::format(".{}.tmp-", target.filename().string());
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    for (const std::string& prefix : {file_prefix, folder_prefix}) {
      if (name.starts_with(prefix)) pid = LeadingPid(std::string_view(name).substr(prefix.size()));
    }
    if (pid > 0 && !IsRunning(pid)) fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

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
  // The new name survives a power failure once its folder is on disk; some file systems have no
  // such call, and then there is nothing to do.
  const fs::path parent = fs::path(path_).parent_path();
  const int folder =
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

void WriteAtomically(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  std::ofstream stream(file.temporary(), std::ios::binary);
  stream << text;
  stream.close();
  T3_CHECK(stream, "{} cannot be written: {}", path, std::strerror(errno));
  file.Commit();
}

void RemoveStaleTemporaries(const std::string& path) {
  fs::path target(path);
  if (!target.has_filename()) target = target.parent_path();
  RemoveStaleIn(target.has_parent_path() ? target.parent_path() : fs::path("."), target);
  RemoveStaleIn(target, target);  // frames wait inside a folder that exists
}

}  // namespace t3
