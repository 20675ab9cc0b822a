// A file that appears under its name only when it is complete.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/temporary.h"

namespace t3 {

// Makes an empty temporary file in the folder of `path` with the same extension, to be written by
// name. Commit() renames it to `path`; a destructor without Commit() removes it. Where `path` is a
// symbolic link, the file that it leads to is written. Throws Error (at construction) when the
// folder does not exist or cannot be written, and when `path` is a folder, a pipe or a device.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);

  const std::string& temporary() const { return temporary_.path(); }
  const std::string& path() const { return path_; }
  // Flushes the file to disk and renames it. Throws Error when either fails.
  void Commit();

 private:
  std::string path_;
  std::filesystem::path target_;  // path_ behind symbolic links
  Temporary temporary_;
};

// Writes a whole text file so. Throws Error as AtomicFile does, and when the text is not taken (a
// full disk).
void WriteAtomically(const std::string& path, std::string_view text);

// Makes a name that was just given in `folder` survive a power failure, where the file system can.
void SyncFolder(const std::filesystem::path& folder);

}  // namespace t3
