// Letters in lower case, for names that are compared.
#pragma once

#include <cctype>
#include <string>
#include <string_view>

namespace t3 {

// Of ASCII alone: others stay as they are.
inline std::string AsciiLowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

}  // namespace t3
