// Lock files.
#include "base/output_lock.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/check.h"
#include "base/file_lock.h"
#include "base/target_path.h"
#include "base/text.h"

namespace t3 {
namespace fs = std::filesystem;

namespace {

std::string Myself() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("process {} on {} since {:%Y-%m-%d %H:%M:%S} UTC", ::getpid(), HostName(),
                     fmt::gmtime(now));
}

std::string HolderOf(const FileDescriptor& file) {
  std::array<char, 200> text{};
  const ssize_t count = ::pread(file.get(), text.data(), text.size(), 0);
  return count > 0 ? Printable({text.data(), static_cast<size_t>(count)}) : "another process";
}

FileDescriptor Open(const std::string& path) {
  return FileDescriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
}

// Who holds the lock may have failed to say so (a full disk): the lock counts, not the text.
void NameHolder(const FileDescriptor& file) {
  const std::string text = Myself();
  if (::ftruncate(file.get(), 0) != 0) return;
  [[maybe_unused]] const ssize_t count = ::pwrite(file.get(), text.data(), text.size(), 0);
}

}  // namespace

bool OutputLock::TryAcquire(const std::string& path, std::string& holder) {
  const fs::path target = ResolveTarget(path);
  constexpr size_t kRoom = kMaxNameBytes - 6;  // without ".", ".lock"
  const std::string name = "." + ShortenName(target.filename().string(), kRoom) + ".lock";
  std::error_code ignored;
  LockResult result = LockResult::kGone;
  while (result == LockResult::kGone) {
    lock_path_ = (FolderOf(target) / name).string();
    file_ = Open(lock_path_);
    if (file_.get() < 0 && fs::is_directory(target, ignored)) {
      lock_path_ = (target / name).string();
      file_ = Open(lock_path_);
    }
    if (file_.get() < 0) CheckFolderOf(target);
    T3_CHECK(file_.get() >= 0, "cannot write {}: the lock file {} cannot be created ({})", path,
             lock_path_, std::strerror(errno));
    result = TryLock(file_, lock_path_);
  }
  if (result == LockResult::kHeld) {
    holder = HolderOf(file_);
    lock_path_.clear();
    return false;
  }
  NameHolder(file_);
  return true;
}

OutputLock::OutputLock(const std::string& path, std::string_view else_do) {
  std::string holder;
  T3_CHECK(TryAcquire(path, holder), "{} is being written by {}; wait for it, stop it, or {}", path,
           holder, else_do);
}

OutputLock OutputLock::Wait(const std::string& path) {
  constexpr int kAttempts = 200;
  constexpr std::chrono::milliseconds kPause{50};
  OutputLock lock;
  std::string holder;
  for (int i = 0; !lock.TryAcquire(path, holder); ++i) {
    T3_CHECK(i < kAttempts, "{} is being written by {}", path, holder);
    std::this_thread::sleep_for(kPause);
  }
  return lock;
}

OutputLock::~OutputLock() {
  if (!lock_path_.empty() && file_.get() >= 0) ::unlink(lock_path_.c_str());
}

}  // namespace t3
