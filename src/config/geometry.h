// Token grids and window counts.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

namespace t3 {

// Tokens of a video along time, height and width, after patching.
struct Grid {
  int64_t t = 1;
  int64_t h = 1;
  int64_t w = 1;
  int64_t tokens() const { return t * h * w; }
  auto operator<=>(const Grid&) const = default;
};

// Number of attention windows along each axis; 1 <= count <= grid size on that axis.
struct WindowCounts {
  int64_t t = 1;
  int64_t h = 1;
  int64_t w = 1;
  int64_t windows() const { return t * h * w; }
  auto operator<=>(const WindowCounts&) const = default;
};

// Layer i uses entry i mod size().
using WindowCycle = std::vector<WindowCounts>;

}  // namespace t3
