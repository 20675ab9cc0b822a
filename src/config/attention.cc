// Names of the attention patterns.
#include "config/attention.h"

#include <array>
#include <utility>

#include "base/check.h"

namespace t3 {
namespace {

constexpr std::array<std::pair<AttentionPattern, std::string_view>, 5> kAttentionNames{{
    {AttentionPattern::kFull, "full"},
    {AttentionPattern::kT3, "t3"},
    {AttentionPattern::kClose, "close"},
    {AttentionPattern::kRemote, "remote"},
    {AttentionPattern::kSwin, "swin"},
}};

}  // namespace

std::string_view AttentionName(AttentionPattern pattern) {
  for (const auto& [value, name] : kAttentionNames) {
    if (value == pattern) return name;
  }
  return "unknown";
}

AttentionPattern ParseAttention(std::string_view name) {
  for (const auto& [value, text] : kAttentionNames) {
    if (text == name) return value;
  }
  FailUsage("'{}' is not an attention pattern; use t3, full, close, remote or swin", name);
}

}  // namespace t3
