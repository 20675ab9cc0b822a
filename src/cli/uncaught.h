// Exceptions that no thread catches.
#pragma once

namespace t3 {

inline constexpr int kExitFailed = 1;

// From now on such an exception ends the program with a message and exit code 1, not with an abort.
void ExplainUncaught();

}  // namespace t3
