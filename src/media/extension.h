// The extension of a file's name.
#pragma once

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>

namespace t3 {

// With its dot, in lower case: ".mp4" for CLIP.MP4.
inline std::string Extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

}  // namespace t3
