// Bytes as text (RFC 4648).
#pragma once

#include <string>
#include <string_view>

namespace t3 {

std::string ToBase64(std::string_view bytes);

// Throws Error for text that is not base64 with its padding.
std::string FromBase64(std::string_view text);

}  // namespace t3
