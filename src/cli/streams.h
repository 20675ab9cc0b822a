// The standard streams: results on stdout, which must arrive, and the log on stderr, which need
// not.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace t3 {

// To be called first. Descriptors 0 to 2 that are closed become /dev/null, or the next file that is
// opened would get their number and the log. A pipe without a reader and a limit on file sizes are
// then errors of write(2) instead of signals that kill.
void PrepareStreams();

// Writes to stderr. What cannot be written is lost without a word: a log never ends a run.
void WriteLog(std::string_view text);

// Writes to stdout at once and never throws; FlushResults reports a failure.
void WriteResult(std::string_view text);
// The same, formatted. fmt::print throws where stdout is full or closed.
template <typename... Args>
void PrintResult(fmt::format_string<Args...> format, Args&&... args) {
  WriteResult(fmt::format(format, std::forward<Args>(args)...));
}

// Flushes stdout. Returns "", or what is wrong where not all results could be written.
std::string FlushResults();

}  // namespace t3
