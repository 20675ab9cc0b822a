// The extension of a file's name.
#pragma once

#include <algorithm>
#include <cctype>
#include <filesystem>
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

}  // namespace t3
