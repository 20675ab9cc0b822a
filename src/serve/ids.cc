// Random names over getrandom(2).
#include "serve/ids.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace t3::serve {
namespace {

constexpr std::string_view kPrefix = "video_";
constexpr size_t kBytes = 16;

}  // namespace

std::string RandomHex(size_t bytes) {
  std::vector<unsigned char> random(bytes);
  // Up to 256 bytes come at once or not at all.
  const ssize_t count = ::getrandom(random.data(), bytes, 0);
  T3_CHECK(count == static_cast<ssize_t>(bytes), "the system gives no random bytes");
  std::string text;
  for (const unsigned char byte : random) text += fmt::format("{:02x}", byte);
  return text;
}

std::string NewVideoId() { return std::string(kPrefix) + RandomHex(kBytes); }

bool IsVideoId(std::string_view text) {
  if (text.size() != kPrefix.size() + 2 * kBytes || !text.starts_with(kPrefix)) return false;
  return std::ranges::all_of(text.substr(kPrefix.size()), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

}  // namespace t3::serve
