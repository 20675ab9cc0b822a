// A range of rows of a feature map.
#pragma once

#include <algorithm>
#include <cstdint>

namespace t3 {

// Rows [begin, end).
struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;

  int64_t size() const { return end - begin; }
  // `halo` rows more on each side, as far as a map of `height` rows has them.
  RowRange Grown(int64_t halo, int64_t height) const {
    return {std::max<int64_t>(begin - halo, 0), std::min(end + halo, height)};
  }
  bool Contains(const RowRange& other) const { return begin <= other.begin && other.end <= end; }
  bool operator==(const RowRange&) const = default;
};

}  // namespace t3
