// Extensions.
#include "base/extension.h"

#include <algorithm>
#include <cctype>

#include "base/check.h"

namespace t3 {

bool HasExtension(std::string_view path, std::string_view extension) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (name.size() <= extension.size()) return false;
  return std::ranges::equal(
      name.substr(name.size() - extension.size()), extension,
      [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
}

void CheckExtension(std::string_view what, const std::string& path, std::string_view extension) {
  if (path.empty() || HasExtension(path, extension)) return;
  FailUsage("{} {} must end in {}, which is what is written", what, path, extension);
}

}  // namespace t3
