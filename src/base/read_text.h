// A whole text file.
#pragma once

#include <string>

namespace t3 {

// Everything in `path`, which may be a pipe. Throws Error when it cannot be read or has more than
// 1 GiB: texts are read into memory, and a device never ends.
std::string ReadText(const std::string& path);

}  // namespace t3
