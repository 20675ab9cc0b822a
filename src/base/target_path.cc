// Symbolic links, special files and long names.
#include "base/target_path.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/digest.h"
#include "base/text.h"

namespace t3 {
namespace fs = std::filesystem;

namespace {

// What `mode` is where it is neither a file nor a folder, else "".
std::string SpecialKind(mode_t mode) {
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return S_ISSOCK(mode) ? "a socket" : "";
}

}  // namespace

fs::path ResolveTarget(const std::string& path) {
  constexpr int kMaxLinks = 40;  // as the kernel follows
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    const std::string kind = SpecialKind(info.st_mode);
    T3_CHECK(kind.empty(),
             "cannot write {}: it is {}, and a file that appears whole would replace it; name a "
             "regular file",
             path, kind);
  }
  fs::path target(path);
  if (!target.has_filename()) target = target.parent_path();  // of a folder: "frames/"
  std::error_code error;
  for (int i = 0; i < kMaxLinks && fs::is_symlink(target, error); ++i) {
    const fs::path link = fs::read_symlink(target, error);
    target = target.parent_path() / link;  // the link alone where it is absolute
  }
  T3_CHECK(!fs::is_symlink(target, error), "cannot write {}: {}", path, std::strerror(ELOOP));
  const std::string name = target.filename().string();
  T3_CHECK(name.size() <= kMaxNameBytes,
           "cannot write {}: its name has {} bytes, and file systems take {}", path, name.size(),
           kMaxNameBytes);
  return target;
}

fs::path FolderOf(const fs::path& target) {
  return target.has_parent_path() ? target.parent_path() : fs::path(".");
}

fs::path FileInTheWayOf(const fs::path& folder) {
  std::error_code ignored;
  fs::path at = folder.has_filename() ? folder : folder.parent_path();
  while (!at.empty() && at != at.root_path() && !fs::exists(at, ignored)) at = at.parent_path();
  return at.empty() || fs::is_directory(at, ignored) ? fs::path() : at;
}

void CheckFolderOf(const fs::path& target) {
  const fs::path folder = FolderOf(target);
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) return;
  const fs::path file = FileInTheWayOf(folder);
  T3_CHECK(file.empty(), "cannot write {}: {} is not a folder", target.string(), file.string());
  Fail("cannot write {}: the folder {} does not exist", target.string(), folder.string());
}

std::string ShortenName(std::string_view name, size_t bytes) {
  if (name.size() <= bytes) return std::string(name);
  const std::string mark = "~" + DigestText(Digest(name)).substr(0, 8);
  return CutToBytes(name, bytes - std::min(bytes, mark.size())) + mark;
}

}  // namespace t3
