// Numbers from text that is not trusted.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace t3 {

// The whole of `text` as a decimal number of type T; nullopt for other text, and for a number that
// T does not hold. "inf" and "nan" are numbers of floating-point types.
template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace t3
