// Texts as bytes, from one process to another.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace t3 {

// Each text ends in a zero byte; bytes of a text behind one of its own are lost.
inline std::string PackTexts(const std::vector<std::string>& texts) {
  std::string bytes;
  for (const std::string& text : texts) bytes.append(text.c_str(), text.size() + 1);
  return bytes;
}

inline std::vector<std::string> UnpackTexts(std::string_view bytes) {
  std::vector<std::string> texts;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\0');
    texts.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  }
  return texts;
}

}  // namespace t3
