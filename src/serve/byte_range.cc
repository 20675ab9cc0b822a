// Byte ranges.
#include "serve/byte_range.h"

#include <algorithm>
#include <string>

#include "base/parse_number.h"

namespace t3::serve {

ByteRange ParseRange(std::string_view header, int64_t size) {
  const ByteRange whole{ByteRange::Kind::kWhole, 0, size};
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return whole;
  const std::string range(header.substr(kUnit.size()));
  const size_t dash = range.find('-');
  if (dash == std::string::npos || range.find(',') != std::string::npos) return whole;
  const std::string begin = range.substr(0, dash), end = range.substr(dash + 1);
  // -1 for other text than a number from 0, which an empty one stands for here.
  const auto number = [](const std::string& text) {
    return text.empty() ? 0 : ParseNumber<int64_t>(text).value_or(-1);
  };
  const int64_t first = number(begin);
  int64_t last = number(end);
  if (first < 0 || last < 0) return whole;
  if (begin.empty()) {  // the last bytes
    if (end.empty()) return whole;
    if (last == 0 || size == 0) return {ByteRange::Kind::kUnsatisfiable, 0, 0};
    const int64_t length = std::min(last, size);
    return {ByteRange::Kind::kPart, size - length, length};
  }
  if (end.empty()) last = size - 1;
  if (!end.empty() && last < first) return whole;
  if (first >= size) return {ByteRange::Kind::kUnsatisfiable, 0, 0};
  return {ByteRange::Kind::kPart, first, std::min(last, size - 1) - first + 1};
}

}  // namespace t3::serve
