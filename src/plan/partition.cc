// Window partitions: each axis is cut independently; a window is the product of one segment of
// each.
#include "plan/partition.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "plan/windows.h"

namespace t3 {
namespace {

// The coordinates in each segment of one axis, in increasing order. No segment is empty.
using AxisSegments = std::vector<std::vector<int32_t>>;

template <typename WindowOf>
AxisSegments CutAxis(int64_t size, int64_t windows, WindowOf window_of) {
  AxisSegments segments(static_cast<size_t>(windows));
  for (int64_t x = 0; x < size; ++x) {
    segments[static_cast<size_t>(window_of(x))].push_back(static_cast<int32_t>(x));
  }
  std::erase_if(segments, [](const auto& segment) { return segment.empty(); });
  return segments;
}

AxisSegments CutClose(int64_t size, int64_t count) {
  return CutAxis(size, count, [=](int64_t x) { return x * count / size; });
}

AxisSegments CutRemote(int64_t size, int64_t count) {
  return CutAxis(size, count, [=](int64_t x) { return x % count; });
}

AxisSegments CutShifted(int64_t size, int64_t count) {
  if (count == 1) return CutClose(size, 1);
  return CutAxis(size, count + 1,
                 [=](int64_t x) { return (2 * count * (x + 1) + size - 1) / (2 * size); });
}

// A window as one segment of each axis.
struct Window {
  const std::vector<int32_t>* t;
  const std::vector<int32_t>* h;
  const std::vector<int32_t>* w;
};

void AppendTokens(const Window& window, const Grid& grid, std::vector<int32_t>& order) {
  for (const int32_t t : *window.t) {
    for (const int32_t h : *window.h) {
      const int64_t row = (t * grid.h + h) * grid.w;
      for (const int32_t w : *window.w) order.push_back(static_cast<int32_t>(row + w));
    }
  }
}

std::map<int64_t, std::vector<Window>, std::greater<>> WindowsByLength(
    const AxisSegments& t_segments, const AxisSegments& h_segments,
    const AxisSegments& w_segments) {
  std::map<int64_t, std::vector<Window>, std::greater<>> by_length;
  for (const auto& t : t_segments) {
    for (const auto& h : h_segments) {
      for (const auto& w : w_segments) {
        const size_t length = t.size() * h.size() * w.size();
        by_length[static_cast<int64_t>(length)].push_back({&t, &h, &w});
      }
    }
  }
  return by_length;
}

bool IsIdentity(const std::vector<int32_t>& order) {
  for (size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<int32_t>(i)) return false;
  }
  return true;
}

using CutFn = AxisSegments (*)(int64_t size, int64_t count);

Partition MakePartition(const Grid& grid, const WindowCounts& counts, CutFn cut) {
  CheckWindows({counts}, grid);
  T3_CHECK(grid.tokens() <= std::numeric_limits<int32_t>::max(),
           "partition: a grid of {}x{}x{} has {} tokens, more than 32-bit indices reach; ask for a "
           "smaller size or fewer frames",
           grid.t, grid.h, grid.w, grid.tokens());
  const AxisSegments t = cut(grid.t, counts.t);
  const AxisSegments h = cut(grid.h, counts.h);
  const AxisSegments w = cut(grid.w, counts.w);

  Partition partition;
  partition.order.reserve(static_cast<size_t>(grid.tokens()));
  for (const auto& [length, windows] : WindowsByLength(t, h, w)) {
    partition.groups.push_back({static_cast<int64_t>(partition.order.size()),
                                static_cast<int64_t>(windows.size()), length});
    for (const Window& window : windows) AppendTokens(window, grid, partition.order);
  }
  partition.in_token_order = IsIdentity(partition.order);
  return partition;
}

// Whether the contiguous windows of an axis never become longer.
bool LongestFirst(int64_t size, int64_t count) {
  const auto begin = [&](int64_t i) { return (i * size + count - 1) / count; };
  for (int64_t i = 1; i < count; ++i) {
    if (begin(i + 1) - begin(i) > begin(i) - begin(i - 1)) return false;
  }
  return true;
}

}  // namespace

int64_t Partition::windows() const {
  int64_t total = 0;
  for (const WindowGroup& group : groups) total += group.count;
  return total;
}

Partition ClosePartition(const Grid& grid, const WindowCounts& counts) {
  return MakePartition(grid, counts, CutClose);
}

Partition RemotePartition(const Grid& grid, const WindowCounts& counts) {
  return MakePartition(grid, counts, CutRemote);
}

Partition ShiftedPartition(const Grid& grid, const WindowCounts& counts) {
  return MakePartition(grid, counts, CutShifted);
}

Partition FullPartition(const Grid& grid) { return ClosePartition(grid, {1, 1, 1}); }

bool Coincide(const Grid& grid, const WindowCounts& counts) {
  const auto trivial = [](int64_t count, int64_t size) { return count == 1 || count == size; };
  return trivial(counts.t, grid.t) && trivial(counts.h, grid.h) && trivial(counts.w, grid.w);
}

bool InTokenOrder(const Grid& grid, const WindowCounts& counts) {
  const std::array<std::pair<int64_t, int64_t>, 3> axes{
      {{grid.t, counts.t}, {grid.h, counts.h}, {grid.w, counts.w}}};
  bool several = false;  // a window holds several positions of an axis before
  int64_t before = 1;    // windows along the axes before
  for (const auto& [size, count] : axes) {
    if (several && count > 1) return false;
    // Windows are stored longest first, so uneven ones must already be in that order.
    if (size % count > 0 && (before > 1 || !LongestFirst(size, count))) return false;
    several = several || count < size;
    before *= count;
  }
  return true;
}

int64_t LargestGroup(const Grid& grid, const WindowCounts& counts) {
  // Length -> number of windows, along one axis.
  const auto lengths = [](int64_t size, int64_t count) {
    std::map<int64_t, int64_t> segments{{size / count, count - size % count}};
    if (size % count > 0) segments[size / count + 1] = size % count;
    return segments;
  };
  std::map<int64_t, int64_t> tokens;  // length of a window -> tokens of all such windows
  for (const auto& [t, many_t] : lengths(grid.t, counts.t)) {
    for (const auto& [h, many_h] : lengths(grid.h, counts.h)) {
      for (const auto& [w, many_w] : lengths(grid.w, counts.w)) {
        tokens[t * h * w] += t * many_t * h * many_h * w * many_w;
      }
    }
  }
  const auto by_tokens = [](const auto& a, const auto& b) { return a.second < b.second; };
  return std::max_element(tokens.begin(), tokens.end(), by_tokens)->second;
}

std::vector<Partition> LayerPartitions(AttentionPattern pattern, const WindowCycle& cycle,
                                       const Grid& grid, int64_t layer) {
  if (pattern == AttentionPattern::kFull) return {FullPartition(grid)};
  T3_CHECK(!cycle.empty(), "partition: {} attention needs a window table, but there is none",
           AttentionName(pattern));
  T3_CHECK(layer >= 0, "partition: layer {} was requested; layers count from 0", layer);
  const WindowCounts& counts =
      cycle[static_cast<size_t>(layer % static_cast<int64_t>(cycle.size()))];
  std::vector<Partition> partitions;
  const bool shifted = pattern == AttentionPattern::kSwin && layer % 2 == 1;
  if (shifted) {
    partitions.push_back(ShiftedPartition(grid, counts));
  } else if (pattern != AttentionPattern::kRemote) {
    partitions.push_back(ClosePartition(grid, counts));
  }
  const bool remote = pattern == AttentionPattern::kRemote ||
                      (pattern == AttentionPattern::kT3 && !Coincide(grid, counts));
  if (remote) partitions.push_back(RemotePartition(grid, counts));
  return partitions;
}

int64_t LayoutCount(AttentionPattern pattern, int64_t cycle_size) {
  switch (pattern) {
    case AttentionPattern::kFull:
      return 1;
    case AttentionPattern::kSwin:
      return std::lcm(cycle_size, int64_t{2});
    default:
      return cycle_size;
  }
}

int64_t LayoutIndex(AttentionPattern pattern, int64_t cycle_size, int64_t layer) {
  return layer % LayoutCount(pattern, cycle_size);
}

}  // namespace t3
