// Beside the library: ../share/t3video of an installation, or the build folder itself.
#include "runtime/shipped_files.h"

#include <dlfcn.h>

#include <filesystem>

#include "base/check.h"

namespace t3 {

namespace fs = std::filesystem;

std::string ShippedPath(const std::string& name) {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&ShippedPath), &info) == 0 ||
      info.dli_fname == nullptr) {
    return "";
  }
  std::error_code ignored;
  const fs::path library = fs::canonical(info.dli_fname, ignored).parent_path();
  for (const fs::path& folder : {library / "../share/t3video", library}) {
    if (fs::exists(folder / name, ignored)) return fs::canonical(folder / name, ignored).string();
  }
  return "";
}

std::string DemoModelFolder() {
  const std::string folder = ShippedPath("models/demo");
  T3_CHECK(!folder.empty(),
           "this installation has no shipped model; make a random one with `t3 init`, or give "
           "`model` DIR");
  return folder;
}

}  // namespace t3
