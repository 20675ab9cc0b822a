// How a denoiser attends: the pattern, a property of the weights, and the windows of T3.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace t3 {

enum class AttentionPattern {
  kFull,    // every token attends to every token
  kT3,      // mean of close and remote windows
  kClose,   // contiguous windows only
  kRemote,  // strided windows only
  kSwin,    // contiguous windows, shifted by half a window in odd layers
};

std::string_view AttentionName(AttentionPattern pattern);
// "t3", "full", ... -> pattern; throws Error of kind kUsage that lists the names.
AttentionPattern ParseAttention(std::string_view name);

// A grid of latents or tokens: counts along time, height and width.
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

// "t,h,w;t,h,w": the window counts of one entry after the other. Throws Error of kind kUsage that
// shows the entry it cannot read.
WindowCycle ParseWindows(std::string_view text);
// The same form, without spaces.
std::string FormatWindows(const WindowCycle& cycle);

}  // namespace t3
