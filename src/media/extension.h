// The extension of a file's name.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "base/lower_case.h"

namespace t3 {

// With its dot, in lower case: ".mp4" for CLIP.MP4.
inline std::string Extension(const std::filesystem::path& path) {
  return AsciiLowerCase(path.extension().string());
}

// Of the files that are taken as videos where a folder is searched.
inline const std::set<std::string> kVideoExtensions{".mp4", ".mkv", ".mov", ".webm",
                                                    ".avi", ".m4v", ".y4m"};

}  // namespace t3
