// What t3 inspect prints, as text and as JSON.
#pragma once

#include <string>

#include "t3video/inspect.h"

namespace t3 {

std::string InspectText(const InspectResult& result);
// One object: of a model with the list of its networks; of a file its first report, and the list of
// all where there are several.
std::string InspectJson(const InspectResult& result);

}  // namespace t3
