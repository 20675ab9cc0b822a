// Hidden files and folders in which an output grows until it is complete.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "base/file_descriptor.h"

namespace t3 {

// A new file or folder with a unique name, ".STEM.tmp-HOST-PID-N.EXT" (writers that choose a
// format by the extension still can). It is locked while this object lives, so that
// RemoveStaleTemporaries distinguishes leftovers of dead processes from files in use.
class Temporary {
 public:
  // For the output `target`, beside it or in `folder`. Throws Error when it cannot be created.
  static Temporary File(const std::filesystem::path& target);
  static Temporary Folder(const std::filesystem::path& folder, const std::filesystem::path& target);
  Temporary(Temporary&&) noexcept = default;
  Temporary& operator=(Temporary&&) = delete;
  // Removes it, a folder with all that is in it, unless Release() was called.
  ~Temporary();

  const std::string& path() const { return path_; }
  // Opened for reading and writing, a folder for reading.
  int descriptor() const { return file_.get(); }
  // It has another name now, or is gone.
  void Release() { path_.clear(); }

 private:
  Temporary(std::string path, FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  FileDescriptor file_;
};

// Removes what processes that no longer run (killed, or the machine went down) left behind of
// outputs at `paths`: temporary files and folders beside them, and within those that are folders.
// Each folder is listed once however many paths are in it. What is in use stays, also by processes
// of other PID namespaces and hosts; errors are ignored.
void RemoveStaleTemporaries(std::span<const std::string> paths);
void RemoveStaleTemporaries(const std::string& path);

}  // namespace t3
