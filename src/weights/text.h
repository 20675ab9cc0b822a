// Text from files that are not trusted.
#pragma once

#include <string>
#include <string_view>

namespace t3 {

bool IsUtf8(std::string_view text);

// 'text' in single quotes for a message: control characters, quotes and broken UTF-8 as \xNN (a
// name must not drive the terminal), cut after 120 bytes.
std::string Quote(std::string_view text);

}  // namespace t3
