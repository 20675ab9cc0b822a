// Writing to a file descriptor.
#pragma once

#include <string_view>

namespace t3 {

// Writes all of `text`, however many calls and signals that takes. False where it cannot, with
// `errno`.
bool WriteAll(int file, std::string_view text);

}  // namespace t3
