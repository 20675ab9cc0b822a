// Asks the file system.
#include "base/free_space.h"

namespace t3 {
namespace fs = std::filesystem;

std::optional<int64_t> FreeBytes(const fs::path& path) {
  std::error_code error;
  fs::path place = fs::absolute(path, error);
  while (!fs::exists(place, error) && place.has_relative_path()) place = place.parent_path();
  const fs::space_info space = fs::space(place, error);
  // Some network file systems report a capacity of 0.
  if (error || space.capacity == 0) return std::nullopt;
  return static_cast<int64_t>(space.available);
}

}  // namespace t3
