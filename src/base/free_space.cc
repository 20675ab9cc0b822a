// Asks the file system.
#include "base/free_space.h"

#include <sys/stat.h>

namespace t3 {
namespace fs = std::filesystem;
namespace {

// `path` or the nearest folder above it.
fs::path ExistingPlace(const fs::path& path) {
  std::error_code error;
  fs::path place = fs::absolute(path, error);
  while (!fs::exists(place, error) && place.has_relative_path()) place = place.parent_path();
  return place;
}

}  // namespace

std::optional<int64_t> FreeBytes(const fs::path& path) {
  std::error_code error;
  const fs::space_info space = fs::space(ExistingPlace(path), error);
  // Some network file systems report a capacity of 0.
  if (error || space.capacity == 0) return std::nullopt;
  return static_cast<int64_t>(space.available);
}

bool OnSameDisk(const fs::path& a, const fs::path& b) {
  struct stat of_a {
  }, of_b{};
  return ::stat(ExistingPlace(a).c_str(), &of_a) == 0 &&
         ::stat(ExistingPlace(b).c_str(), &of_b) == 0 && of_a.st_dev == of_b.st_dev;
}

}  // namespace t3
