// The program's log: one line per message on stderr, through spdlog.
#pragma once

#include <spdlog/spdlog.h>

#include <functional>
#include <string>

namespace t3 {

// Sends spdlog's default logger to stderr with plain "warning: ..." lines; call once from main.
// Library code logs with spdlog::info/warn directly.
void SetUpLogging(bool verbose);

// Sends every further message to `sink` instead, with its level ("warning", ...).
void SendLogTo(std::function<void(const std::string& level, const std::string& text)> sink);

}  // namespace t3
