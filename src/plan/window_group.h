// Windows of one length within a partition.
#pragma once

#include <cstdint>

namespace t3 {

// `count` windows of `length` tokens each, stored from position `first` of the window order on.
struct WindowGroup {
  int64_t first = 0;
  int64_t count = 0;
  int64_t length = 0;
  bool operator==(const WindowGroup&) const = default;
};

}  // namespace t3
