// One process at a time writes an output.
#pragma once

#include <string>
#include <string_view>

#include "base/file_descriptor.h"

namespace t3 {

// While it lives, no other OutputLock of the same output can be taken, by whatever process on
// whatever host that sees the lock. It is a file ".NAME.lock" next to the output (inside, where the
// output is a folder whose parent cannot be written) that names its holder and is removed with it.
class OutputLock {
 public:
  // `path`: a file or folder that will be written; it need not exist, the folder that holds it
  // must. Throws Error that says who holds the lock, or that the place cannot be written, and what
  // else can be done. A file system without locks is not an error.
  explicit OutputLock(const std::string& path, std::string_view else_do = "name another output");
  // The same, but waits up to ten seconds: for files that others write in a moment.
  static OutputLock Wait(const std::string& path);
  OutputLock(OutputLock&&) noexcept = default;
  OutputLock& operator=(OutputLock&&) = delete;
  ~OutputLock();

 private:
  OutputLock() = default;
  // False where another holds it; `holder` says who.
  bool TryAcquire(const std::string& path, std::string& holder);

  std::string lock_path_;  // "" in one that was moved from
  FileDescriptor file_;
};

}  // namespace t3
