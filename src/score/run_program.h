// Running another program to its end.
#pragma once

#include <string>
#include <vector>

namespace t3 {

struct ProgramOutput {
  int exit_code = 0;  // 128 + signal when it died of one; 127 when it could not be started
  std::string text;   // of stdout and stderr, in the order of writing
};

// arguments[0] is a path, or a name to be found in PATH. Runs in `folder`, or in the current one
// for "". stdin is empty.
ProgramOutput RunProgram(const std::vector<std::string>& arguments, const std::string& folder);

}  // namespace t3
