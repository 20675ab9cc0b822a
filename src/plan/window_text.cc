// Window tables as text, and their check against a grid.
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/parse_number.h"
#include "plan/windows.h"

namespace t3 {
namespace {

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// 0 when `text` is not a positive number that fits.
int64_t ParseCount(std::string_view text) {
  return std::max<int64_t>(ParseNumber<int64_t>(Trim(text)).value_or(0), 0);
}

WindowCounts ParseLayout(std::string_view entry) {
  const std::vector<std::string_view> parts = Split(entry, ',');
  if (parts.size() == 3) {
    const WindowCounts counts{ParseCount(parts[0]), ParseCount(parts[1]), ParseCount(parts[2])};
    if (counts.t > 0 && counts.h > 0 && counts.w > 0) return counts;
  }
  FailUsage(
      "windows: the entry '{}' is not three positive counts; write t,h,w (windows along time, "
      "height and width) with ';' between layouts, e.g. \"21,1,1;1,17,30\"",
      Trim(entry));
}

void CheckCount(int64_t count, int64_t size, const char* axis, size_t entry) {
  if (count < 1 || count > size) {
    FailUsage(
        "windows: entry {} has {} windows along {}, where this video has {} tokens; give a count "
        "from 1 to {}",
        entry, count, axis, size, size);
  }
}

}  // namespace

WindowCycle ParseWindows(std::string_view text) {
  WindowCycle cycle;
  for (const std::string_view entry : Split(text, ';')) cycle.push_back(ParseLayout(entry));
  return cycle;
}

std::string FormatWindows(const WindowCycle& cycle) {
  std::string text;
  for (const WindowCounts& counts : cycle) {
    text += fmt::format("{}{},{},{}", text.empty() ? "" : ";", counts.t, counts.h, counts.w);
  }
  return text;
}

void CheckWindows(const WindowCycle& cycle, const Grid& grid) {
  T3_CHECK(!cycle.empty(), "windows: the table is empty; it needs at least one layout");
  T3_CHECK(grid.t > 0 && grid.h > 0 && grid.w > 0, "windows: the grid {}x{}x{} has no tokens",
           grid.t, grid.h, grid.w);
  for (size_t i = 0; i < cycle.size(); ++i) {
    CheckCount(cycle[i].t, grid.t, "time", i);
    CheckCount(cycle[i].h, grid.h, "height", i);
    CheckCount(cycle[i].w, grid.w, "width", i);
  }
}

}  // namespace t3
