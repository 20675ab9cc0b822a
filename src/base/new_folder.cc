// Remembers which folders were missing.
#include "base/new_folder.h"

#include <algorithm>

#include "base/check.h"
#include "base/temporary.h"

namespace t3 {
namespace fs = std::filesystem;

namespace {

// `path` and the folders above it that do not exist, the outermost first; `existing` is the one
// that does.
std::vector<fs::path> Missing(const std::string& path, fs::path& existing) {
  std::vector<fs::path> missing;
  std::error_code ignored;
  fs::path at = fs::absolute(path, ignored).lexically_normal();
  if (!at.has_filename()) at = at.parent_path();
  for (; !fs::exists(fs::symlink_status(at, ignored)) && at != at.root_path();
       at = at.parent_path())
    missing.push_back(at);
  existing = at;
  std::ranges::reverse(missing);
  return missing;
}

}  // namespace

NewFolder::NewFolder(const std::string& path) {
  fs::path existing;
  const std::vector<fs::path> missing = Missing(path, existing);
  std::error_code error;
  T3_CHECK(fs::is_directory(existing, error), "cannot create the folder {}: {} is not a folder",
           path, existing.string());
  for (const fs::path& folder : missing) {
    // Another process may have created it since.
    const bool created = fs::create_directory(folder, error);
    if (error) {
      const std::string reason = error.message();
      for (auto made = made_.rbegin(); made != made_.rend(); ++made) fs::remove(*made, error);
      Fail("cannot create the folder {}: {}", path, reason);
    }
    if (created) made_.push_back(folder);
  }
}

NewFolder::~NewFolder() {
  std::error_code ignored;
  for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder)
    fs::remove(*folder, ignored);  // fails where something is in it
}

void CheckWritableFolder(const std::string& path) {
  fs::path existing;
  Missing(path, existing);
  std::error_code error;
  T3_CHECK(fs::is_directory(existing, error), "cannot write to {}: {} is not a folder", path,
           existing.string());
  const Temporary writable = Temporary::File(existing / "check");
}

}  // namespace t3
