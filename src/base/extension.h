// The extension of an output's name.
#pragma once

#include <string>
#include <string_view>

namespace t3 {

// Whether the name of `path` ends in `extension` (".png"), in letters of either case.
bool HasExtension(std::string_view path, std::string_view extension);

// Throws Error of kind kUsage that names `what` unless `path` is empty or has the extension: the
// file is of that format whatever its name says.
void CheckExtension(std::string_view what, const std::string& path, std::string_view extension);

}  // namespace t3
