// A folder for outputs, removed again if nothing was written into it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace t3 {

// Creates `path` with the folders above it. The destructor removes those that it created and that
// are empty, so a refused command leaves none behind.
class NewFolder {
 public:
  // Throws Error when the folder does not exist and cannot be created.
  explicit NewFolder(const std::string& path);
  NewFolder(NewFolder&&) noexcept = default;
  NewFolder& operator=(NewFolder&&) = delete;
  ~NewFolder();

 private:
  std::vector<std::filesystem::path> made_;  // the outermost first
};

// Throws Error when no file can be created in the folder `path` or, while it does not exist, in the
// folder in which it would be created. Leaves nothing behind.
void CheckWritableFolder(const std::string& path);

}  // namespace t3
