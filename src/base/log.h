// The program's log: one line a message on stderr, through spdlog.
#pragma once

#include <spdlog/spdlog.h>

namespace t3 {

// Sends spdlog's default logger to stderr with plain "warning: ..." lines; call once from main.
// Library code logs with spdlog::info/warn directly.
void SetUpLogging(bool verbose);

}  // namespace t3
