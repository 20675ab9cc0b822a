// Snapshots of a cache.
#include "loading/hugging_face_cache.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/read_text.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// The newest folder in `folder`; empty where there is none.
fs::path NewestFolder(const fs::path& folder) {
  std::error_code ignored;
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (!entry.is_directory(ignored)) continue;
    if (newest.empty() ||
        fs::last_write_time(entry, ignored) > fs::last_write_time(newest, ignored)) {
      newest = entry.path();
    }
  }
  return newest;
}

// "models--ORG--NAME" of a Hugging Face cache: the revision of refs/main, else the newest one.
fs::path Snapshot(const fs::path& folder) {
  const fs::path snapshots = folder / "snapshots";
  std::error_code ignored;
  if (fs::is_regular_file(folder / "refs" / "main", ignored)) {
    std::string revision = ReadText((folder / "refs" / "main").string());
    revision.erase(std::remove_if(revision.begin(), revision.end(), ::isspace), revision.end());
    const bool plain =
        !revision.empty() && revision.find('/') == std::string::npos && revision.front() != '.';
    if (plain && fs::is_directory(snapshots / revision, ignored)) return snapshots / revision;
  }
  const fs::path newest = NewestFolder(snapshots);
  T3_CHECK(!newest.empty(), "`model` {}: its snapshots folder is empty; download the model again",
           folder.string());
  return newest;
}

}  // namespace

fs::path ResolveCache(const fs::path& folder) {
  std::error_code ignored;
  if (fs::is_directory(folder / "snapshots", ignored)) return Snapshot(folder);
  std::vector<std::string> models;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("models--") && fs::is_directory(entry.path() / "snapshots", ignored)) {
      models.push_back(name);
    }
  }
  if (models.empty()) return folder;
  std::sort(models.begin(), models.end());
  T3_CHECK(models.size() == 1, "`model` {} is a cache of several models; give one of them: {}",
           folder.string(), fmt::join(models, ", "));
  return Snapshot(folder / models.front());
}

}  // namespace t3
