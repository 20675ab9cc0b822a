// Paths as UTF-8 text, exactly: JSON and safetensors headers hold no other bytes.
#pragma once

#include <string>
#include <string_view>

namespace t3 {

// A path that is UTF-8 stays as it is. Any other becomes a URI (RFC 8089), "file:///a/caf%E9.mp4":
// bytes that are not part of valid UTF-8, and '%', are written as %NN. `path` is absolute, so that
// nothing else begins with "file://".
std::string PathToText(std::string_view path);

// The inverse. Text that does not begin with "file://" is a path already. Throws Error for a '%'
// that two hexadecimal digits do not follow.
std::string TextToPath(std::string_view text);

}  // namespace t3
