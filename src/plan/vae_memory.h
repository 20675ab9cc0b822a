// The memory of a decode or an encode, by what it is for.
#pragma once

#include <cstdint>

namespace t3 {

inline constexpr int64_t kFloatBytes = 4;
// Workspaces of convolutions and the allocator's rounding.
inline constexpr int64_t kVaeWorkspace = 500'000'000;

// Bytes beside weights and latents.
struct VaeMemory {
  int64_t buffered = 0;  // maps of all frames between two phases
  int64_t caches = 0;    // causal caches that are alive together
  int64_t working = 0;   // the widest layer
  int64_t pixels = 0;    // pixels on their way in or out
  int64_t total = 0;     // of the widest phase
};

}  // namespace t3
