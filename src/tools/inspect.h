// What a file holds, and whether it is complete.
#pragma once

#include <string>
#include <vector>

#include "t3video/inspect.h"

namespace t3 {

// One report per network: combined files hold several networks. Throws Error when the file cannot
// be read.
std::vector<InspectReport> InspectFile(const std::string& path);

// What keeps the files of a model's folder (or "demo") from making a video: a part that is missing,
// incomplete or does not fit; empty when nothing does.
std::string FaultOfModel(const std::string& path);

}  // namespace t3
