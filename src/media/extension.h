// The extension of a file's name.
#pragma once

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>
#include <string>

namespace t3 {

// ASCII letters in lower case.
inline std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// With its dot, in lower case: ".mp4" for CLIP.MP4.
inline std::string Extension(const std::filesystem::path& path) {
  return LowerCase(path.extension().string());
}

// Of the files that are taken as videos where a folder is searched.
inline const std::set<std::string> kVideoExtensions{".mp4", ".mkv", ".mov", ".webm",
                                                    ".avi", ".m4v", ".y4m"};

}  // namespace t3
