// Names, locks and leftovers of temporaries.
#include "base/temporary.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

#include "base/check.h"
#include "base/file_lock.h"
#include "base/target_path.h"

namespace t3 {
namespace fs = std::filesystem;

namespace {

constexpr const char* kMark = ".tmp-";
constexpr size_t kMaxExtension = 32;  // longer ones are part of the name

// What the names of all temporaries of an output begin and end with.
struct NameParts {
  std::string prefix;  // ".STEM.tmp-"
  std::string extension;
};

NameParts PartsOf(const std::string& name, bool keep_extension) {
  constexpr size_t kTokenBytes = 40;  // HOST-PID-N
  NameParts parts;
  std::string stem = name;
  const std::string extension = fs::path(name).extension().string();
  if (keep_extension && extension.size() <= kMaxExtension) {
    parts.extension = extension;
    stem = fs::path(name).stem().string();
  }
  const size_t room = kMaxNameBytes - kTokenBytes - parts.extension.size() - 1 - std::strlen(kMark);
  parts.prefix = "." + ShortenName(stem, room) + kMark;
  return parts;
}

std::string NewToken() {
  static std::atomic<int> count{0};
  return fmt::format("{}-{}-{}", HostTag(), ::getpid(), count++);
}

// Opens and locks what was just created. A process that removes leftovers can be faster: then the
// file is gone, and another one is created.
template <typename Make>
std::pair<std::string, FileDescriptor> MakeLocked(const fs::path& folder, const NameParts& parts,
                                                  const Make& make) {
  constexpr int kAttempts = 100;
  for (int i = 0; i < kAttempts; ++i) {
    std::string path = (folder / (parts.prefix + NewToken() + parts.extension)).string();
    FileDescriptor file(make(path.c_str()));
    if (file.get() < 0 && errno == EEXIST) continue;  // of a process with the same id elsewhere
    if (file.get() < 0) return {"", std::move(file)};
    const LockResult lock = TryLock(file, path);
    if (lock == LockResult::kLocked || lock == LockResult::kUnsupported)
      return {std::move(path), std::move(file)};
  }
  return {"", FileDescriptor()};
}

int MakeFile(const char* path) { return ::open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666); }

int MakeFolder(const char* path) {
  if (::mkdir(path, 0777) != 0) return -1;
  return ::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

// Removes `path` unless somebody holds its lock, or may hold one on another host where this one
// cannot see it.
void RemoveIfAbandoned(const fs::path& path, const std::string& token) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (file.get() < 0) return;
  if (!token.starts_with(HostTag()) && IsSharedBetweenHosts(file)) return;
  std::error_code ignored;
  if (TryLock(file, path.string()) == LockResult::kLocked) fs::remove_all(path, ignored);
}

void RemoveStaleIn(const fs::path& folder, const std::set<std::string>& prefixes) {
  std::error_code ignored;
  fs::directory_iterator entries(folder, ignored);
  for (; !ignored && entries != fs::directory_iterator(); entries.increment(ignored)) {
    const std::string name = entries->path().filename().string();
    const size_t mark = name.starts_with('.') ? name.rfind(kMark) : std::string::npos;
    if (mark == std::string::npos) continue;
    const size_t token = mark + std::strlen(kMark);
    if (prefixes.contains(name.substr(0, token)))
      RemoveIfAbandoned(entries->path(), name.substr(token));
  }
}

}  // namespace

Temporary Temporary::File(const fs::path& target) {
  CheckFolderOf(target);
  const fs::path folder = FolderOf(target);
  auto [path, file] = MakeLocked(folder, PartsOf(target.filename().string(), true), MakeFile);
  T3_CHECK(file.get() >= 0, "cannot write {}: the folder {} is not writable ({})", target.string(),
           folder.string(), std::strerror(errno));
  return {std::move(path), std::move(file)};
}

Temporary Temporary::Folder(const fs::path& folder, const fs::path& target) {
  auto [path, file] = MakeLocked(folder, PartsOf(target.filename().string(), false), MakeFolder);
  T3_CHECK(file.get() >= 0, "cannot write {}: the folder {} is not writable ({})", target.string(),
           folder.string(), std::strerror(errno));
  return {std::move(path), std::move(file)};
}

Temporary::~Temporary() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

void RemoveStaleTemporaries(std::span<const std::string> paths) {
  std::map<fs::path, std::set<std::string>> folders;
  for (const std::string& path : paths) {
    if (path.empty()) continue;
    std::error_code error;
    fs::path target(path);
    if (!target.has_filename()) target = target.parent_path();
    if (fs::is_symlink(target, error)) target = fs::weakly_canonical(target, error);
    const std::string name = target.filename().string();
    const std::string of_folder = PartsOf(name, false).prefix;
    folders[FolderOf(target)].insert({PartsOf(name, true).prefix, of_folder});
    // Frames of a folder that exists wait inside it.
    if (fs::is_directory(target, error)) folders[target].insert(of_folder);
  }
  for (const auto& [folder, prefixes] : folders) RemoveStaleIn(folder, prefixes);
}

void RemoveStaleTemporaries(const std::string& path) {
  RemoveStaleTemporaries(std::span(&path, 1));
}

}  // namespace t3
