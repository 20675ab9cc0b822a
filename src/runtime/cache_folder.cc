// Follows the XDG base directory specification.
#include "runtime/cache_folder.h"

#include <cstdlib>
#include <filesystem>

namespace t3 {

std::string CacheFolder() {
  namespace fs = std::filesystem;
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  fs::path folder;
  if (cache != nullptr && cache[0] == '/') {  // the specification ignores relative paths
    folder = fs::path(cache) / "t3video";
  } else if (home != nullptr && home[0] != '\0') {
    folder = fs::path(home) / ".cache" / "t3video";
  } else {
    return "";
  }
  std::error_code error;
  fs::create_directories(folder, error);
  return error ? "" : folder.string();
}

}  // namespace t3
