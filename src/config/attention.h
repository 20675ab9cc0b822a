// The attention patterns a model can have. The pattern is a property of the weights.
#pragma once

#include <string_view>

namespace t3 {

enum class AttentionPattern {
  kFull,    // every token sees every token
  kT3,      // mean of close and remote windows
  kClose,   // contiguous windows only
  kRemote,  // strided windows only
  kSwin,    // contiguous windows, shifted by half a window in odd layers
};

std::string_view AttentionName(AttentionPattern pattern);
// "t3", "full", ... -> pattern; throws Error of kind kUsage that lists the names.
AttentionPattern ParseAttention(std::string_view name);

}  // namespace t3
