// A file that appears under its name only when it is complete.
#pragma once

#include <string>
#include <string_view>

namespace t3 {

// Hands out a temporary path in the folder of `path` (".NAME.tmp-PID" with the same extension, so
// that writers that choose a format by extension still can). Commit() renames it to `path`; a
// destructor without Commit() removes it. Creates no file itself. Throws Error (at construction)
// when the folder does not exist or cannot be written.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::string& temporary() const { return temporary_; }
  const std::string& path() const { return path_; }
  // Flushes the file to disk and renames it. Throws Error when either fails.
  void Commit();

 private:
  std::string path_;
  std::string temporary_;
  bool committed_ = false;
};

// Writes a whole text file so. Throws Error as AtomicFile does, and when the text is not taken (a
// full disk).
void WriteAtomically(const std::string& path, std::string_view text);

// Removes the temporary files and folders of `path` that processes which no longer run left behind
// (killed, or the machine went down). Those of running processes stay; errors are ignored.
void RemoveStaleTemporaries(const std::string& path);

}  // namespace t3
