// Parsing and printing of byte counts. GB = 10^9 bytes, GiB = 2^30.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace t3 {

// "24GB", "512 MiB", "800M", "1000" -> bytes. Throws Error of kind kUsage for anything else.
int64_t ParseBytes(std::string_view text);

// 24000000000 -> "24.0 GB".
std::string FormatBytes(int64_t bytes);

}  // namespace t3
