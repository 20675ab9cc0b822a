// The data folder.
#include "serve/job_files.h"

#include <sys/statvfs.h>

#include <filesystem>

#include "base/check.h"
#include "serve/ids.h"

namespace t3::serve {
namespace {

namespace fs = std::filesystem;

void CreatePrivate(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  T3_CHECK(!error, "the folder {} cannot be created: {}", path, error.message());
  fs::permissions(path, fs::perms::owner_all, error);
}

}  // namespace

JobFiles::JobFiles(std::string folder) : folder_(std::move(folder)) {
  CreatePrivate(folder_);
  CreatePrivate(folder_ + "/jobs");
  CreatePrivate(uploads());
}

std::string JobFiles::Folder(const std::string& id) const {
  T3_CHECK(IsVideoId(id), "the id of a job is not one");
  return folder_ + "/jobs/" + id;
}

std::string JobFiles::EmptyScratch(int worker) const {
  std::string path = fmt::format("{}/scratch/{}", folder_, worker);
  CreatePrivate(path);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path, ignored))
    fs::remove_all(entry.path(), ignored);
  return path;
}

void JobFiles::Create(const std::string& id) const { CreatePrivate(Folder(id)); }

void JobFiles::Remove(const std::string& id) const {
  std::error_code ignored;
  fs::remove_all(Folder(id), ignored);
}

void JobFiles::RemoveOthers(const std::set<std::string>& ids) const {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_ + "/jobs", ignored)) {
    const std::string name = entry.path().filename().string();
    if (IsVideoId(name) && !ids.contains(name)) Remove(name);
  }
  for (const auto& entry : fs::directory_iterator(uploads(), ignored))
    fs::remove(entry.path(), ignored);
}

void JobFiles::RemoveState(const std::string& id) const {
  std::error_code ignored;
  fs::remove(Preview(id), ignored);
}

int64_t JobFiles::Bytes(const std::string& id) const {
  int64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(Folder(id), ignored)) {
    const auto size = entry.file_size(ignored);
    if (!ignored) bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

int64_t JobFiles::FreeBytes() const {
  struct statvfs info {};
  if (::statvfs(folder_.c_str(), &info) != 0) return 0;
  return static_cast<int64_t>(info.f_bavail) * static_cast<int64_t>(info.f_frsize);
}

}  // namespace t3::serve
