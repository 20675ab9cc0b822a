// Where the files of jobs lie. Every name in a path is made by the server.
#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace t3::serve {

class JobFiles {
 public:
  // Creates the folder with its parts, readable for its owner alone. Throws Error.
  explicit JobFiles(std::string folder);

  const std::string& folder() const { return folder_; }
  std::string database() const { return folder_ + "/jobs.sqlite"; }
  std::string uploads() const { return folder_ + "/uploads"; }
  // `id` is one of IsVideoId.
  std::string Folder(const std::string& id) const;
  std::string Video(const std::string& id) const { return Folder(id) + "/video.mp4"; }
  std::string Thumbnail(const std::string& id) const { return Folder(id) + "/thumbnail.png"; }
  std::string Preview(const std::string& id) const { return Folder(id) + "/preview.png"; }
  std::string Record(const std::string& id) const { return Folder(id) + "/record.json"; }

  // The current and temporary folder of a worker, empty: what a run has no room for elsewhere must
  // not end up outside the data folder.
  std::string EmptyScratch(int worker) const;

  void Create(const std::string& id) const;
  // Errors are ignored: what is left is removed at the next start.
  void Remove(const std::string& id) const;
  // Removes uploads and the folders of jobs that are not in `ids`.
  void RemoveOthers(const std::set<std::string>& ids) const;
  // What completed jobs need not keep.
  void RemoveState(const std::string& id) const;
  int64_t Bytes(const std::string& id) const;
  // Free for this user in the file system.
  int64_t FreeBytes() const;

 private:
  std::string folder_;
};

}  // namespace t3::serve
