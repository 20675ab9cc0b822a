// The program's log: one line a message on stderr, through spdlog.
#pragma once

#include <spdlog/spdlog.h>

#include <functional>
#include <string>

namespace t3 {

// Sends spdlog's default logger to stderr with plain "warning: ..." lines; call once from main.
// Library code logs with spdlog::info/warn directly.
void SetUpLogging(bool verbose);

// From now on each message goes to `sink` instead, with its level ("warning", ...).
void SendLogTo(std::function<void(const std::string& level, const std::string& text)> sink);

}  // namespace t3
