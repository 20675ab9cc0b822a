// Throwing t3::Error with a formatted message.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "t3video/error.h"

namespace t3 {

template <typename... Args>
[[noreturn]] void Fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
[[noreturn]] void FailUsage(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...), ErrorKind::kUsage);
}

}  // namespace t3

// Throws t3::Error with the formatted message unless `condition` holds.
#define T3_CHECK(condition, ...)     \
  do {                               \
    if (!(condition)) [[unlikely]] { \
      ::t3::Fail(__VA_ARGS__);       \
    }                                \
  } while (false)
