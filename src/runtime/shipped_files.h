// Files that come with the program.
#pragma once

#include <string>

namespace t3 {

// A file or folder that comes with the program: beside an installed t3 or in the build folder; ""
// where it is not there.
std::string ShippedPath(const std::string& name);

// The folder of the shipped model: beside an installed t3 or in the build folder. Throws Error when
// this installation has none.
std::string DemoModelFolder();

}  // namespace t3
