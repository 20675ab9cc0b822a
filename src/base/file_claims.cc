// Purposes of files, by path and by inode.
#include "base/file_claims.h"

#include <sys/stat.h>

#include <filesystem>

#include "base/check.h"
#include "base/target_path.h"

namespace t3 {
namespace fs = std::filesystem;

namespace {

// "inode:DEVICE:NUMBER", "" where there is no file.
std::string InodeKey(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return "";
  return fmt::format("inode:{}:{}", info.st_dev, info.st_ino);
}

}  // namespace

void FileClaims::Read(const std::string& what, const std::string& path) {
  Add({what, path, Kind::kRead});
}

void FileClaims::Write(const std::string& what, const std::string& path) {
  Add({what, path, Kind::kFile});
}

void FileClaims::WriteFolder(const std::string& what, const std::string& path) {
  Add({what, path, Kind::kFolder});
}

void FileClaims::Add(const Claim& claim) {
  if (claim.path.empty()) return;
  // Now, or whoever looks at the output waits for a pipe's other end.
  if (claim.kind != Kind::kRead) ResolveTarget(claim.path);
  const std::string absolute = Absolute(claim.path);
  const std::string inode = InodeKey(claim.path);
  CheckAgainst(absolute, claim);
  if (!inode.empty()) CheckAgainst(inode, claim);
  CheckFolders(absolute, claim);
  claims_.emplace(absolute, claim);
  if (!inode.empty()) claims_.emplace(inode, claim);
}

void FileClaims::CheckAgainst(const std::string& key, const Claim& claim) const {
  const auto found = claims_.find(key);
  if (found == claims_.end()) return;
  const Claim& other = found->second;
  if (claim.kind == Kind::kRead && other.kind == Kind::kRead) return;
  FailUsage("{} {} and {} {} are one file; give one of them another name", claim.what, claim.path,
            other.what, other.path);
}

void FileClaims::CheckFolders(const std::string& absolute, const Claim& claim) const {
  const auto refuse = [](const Claim& inside, const Claim& folder) {
    FailUsage("{} {} is in the folder of {} {}, whose files are replaced; name another folder",
              inside.what, inside.path, folder.what, folder.path);
  };
  for (fs::path at = fs::path(absolute).parent_path(); at != at.root_path();
       at = at.parent_path()) {
    const auto found = claims_.find(at.string());
    if (found != claims_.end() && found->second.kind == Kind::kFolder) refuse(claim, found->second);
  }
  if (claim.kind != Kind::kFolder) return;
  const auto inside = claims_.lower_bound(absolute + "/");
  if (inside != claims_.end() && inside->first.starts_with(absolute + "/"))
    refuse(inside->second, claim);
}

std::string FileClaims::Absolute(const std::string& path) {
  std::error_code ignored;
  fs::path target(path);
  if (!target.has_filename()) target = target.parent_path();
  // Inputs may be pipes, which ResolveTarget refuses for outputs.
  if (fs::is_symlink(target, ignored) && !fs::is_other(target, ignored))
    target = ResolveTarget(path);
  std::string& folder = folders_[FolderOf(target).string()];
  if (folder.empty()) folder = fs::weakly_canonical(FolderOf(target), ignored).string();
  return (fs::path(folder) / target.filename()).lexically_normal().string();
}

}  // namespace t3
