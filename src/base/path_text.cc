// URIs for the paths that need them.
#include "base/path_text.h"

#include <charconv>

#include "base/check.h"
#include "base/text.h"

namespace t3 {
namespace {

constexpr std::string_view kScheme = "file://";

// Bytes at the start of `text` that stay as they are in a URI; 0 for a byte that is escaped.
size_t PlainBytes(std::string_view text) {
  if (text[0] == '%') return 0;
  for (const size_t length : {1, 2, 3, 4}) {
    if (length <= text.size() && IsUtf8(text.substr(0, length))) return length;
  }
  return 0;
}

char DecodedByte(std::string_view text, size_t at) {
  unsigned value = 0;
  const char* const begin = text.data() + at + 1;
  const bool whole = at + 2 < text.size();
  const auto [end, status] = std::from_chars(begin, begin + (whole ? 2 : 0), value, 16);
  T3_CHECK(whole && status == std::errc() && end == begin + 2,
           "{} is not a path: %NN with two hexadecimal digits was expected at byte {}", Quote(text),
           at);
  return static_cast<char>(value);
}

}  // namespace

std::string PathToText(std::string_view path) {
  if (IsUtf8(path)) return std::string(path);
  std::string text(kScheme);
  while (!path.empty()) {
    const size_t plain = PlainBytes(path);
    text += plain > 0 ? std::string(path.substr(0, plain))
                      : fmt::format("%{:02X}", static_cast<unsigned char>(path[0]));
    path.remove_prefix(plain > 0 ? plain : 1);
  }
  return text;
}

std::string TextToPath(std::string_view text) {
  if (!text.starts_with(kScheme)) return std::string(text);
  std::string path;
  for (size_t at = kScheme.size(); at < text.size(); ++at) {
    path += text[at] == '%' ? DecodedByte(text, at) : text[at];
    if (text[at] == '%') at += 2;
  }
  return path;
}

}  // namespace t3
