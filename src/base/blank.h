// Text without a visible character.
#pragma once

#include <string_view>

namespace t3 {

// Whether `text` has only ASCII white space, or nothing.
inline bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

}  // namespace t3
