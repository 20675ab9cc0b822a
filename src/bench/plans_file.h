// The file of plans that a benchmark uses and adds to.
#pragma once

#include <string>

namespace t3 {

// The process knows the plans in the file alone; none where `path` is empty. Throws Error where it
// is to be saved to and there is none, or it is not such a file.
void UsePlansFile(const std::string& path, bool save);

// What timing found since, if it is to be saved.
void SaveToPlansFile(const std::string& path, bool save);

}  // namespace t3
