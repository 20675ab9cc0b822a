// The window planner, version 1: a search over counts for each type. docs/design/planner.md says
// why.
#include "plan/windows.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>
#include <vector>

#include "base/check.h"
#include "plan/fixed_log.h"

namespace t3 {
namespace {

// Everything below is part of version 1's output: a change is a new version.

// Windows of one axis of `size` tokens cut into `count`: logarithms of their lengths.
struct AxisCut {
  int64_t count = 1;
  FixedLog mean = 0;
  FixedLog smallest = 0;
  FixedLog largest = 0;
  FixedLog work = 0;  // mean over the tokens of the length of their window
  FixedLog unevenness() const { return largest - smallest; }
};

AxisCut CutInto(int64_t size, int64_t count) {
  const int64_t small = size / count;
  const int64_t long_ones = size % count;
  const int64_t large = small + (long_ones > 0 ? 1 : 0);
  const int64_t squares = long_ones * large * large + (count - long_ones) * small * small;
  const FixedLog log_size = Log2Fixed(size);
  return {count, log_size - Log2Fixed(count), Log2Fixed(small), Log2Fixed(large),
          Log2Fixed(squares) - log_size};
}

// Cuts of one axis into min_count to max_count windows, in order of count.
std::vector<AxisCut> AxisCuts(int64_t size, int64_t min_count, int64_t max_count) {
  std::vector<AxisCut> cuts;
  for (int64_t count = min_count; count <= max_count; ++count) cuts.push_back(CutInto(size, count));
  return cuts;
}

// What one type's windows should be like.
struct Target {
  FixedLog tokens = 0;
  FixedLog frames = 0;  // length of a window in time
  FixedLog aspect = 0;  // width over height of a window
  bool whole_time = false;
  bool band = false;  // the size limits hold (grids of kPlannedTokens tokens or more)
};

FixedLog Above(FixedLog value, FixedLog limit) { return std::max<FixedLog>(value - limit, 0); }

// Limits around the published tokens of a type, as logarithms; a few units inside the exact
// values, because logarithms are rounded.
constexpr FixedLog kRounding = 16;
constexpr FixedLog kHalf = -kLogOne + kRounding;
const FixedLog kOneAndQuarter = Log2Fixed(5) - Log2Fixed(4) - kRounding;
const FixedLog kOneAndHalf = Log2Fixed(3) - Log2Fixed(2) - kRounding;

struct Candidate {
  AxisCut t, h, w;
  FixedLog mean() const { return t.mean + h.mean + w.mean; }
  FixedLog work() const { return t.work + h.work + w.work; }
  FixedLog smallest() const { return t.smallest + h.smallest + w.smallest; }
  FixedLog largest() const { return t.largest + h.largest + w.largest; }
  WindowCounts counts() const { return {t.count, h.count, w.count}; }
};

// How far a candidate is outside the limits; 0 inside. Mean and work count more than the extreme
// windows, so that those are given up first where a grid cannot satisfy all.
FixedLog Violation(const Candidate& c, const Target& target) {
  if (!target.band) return 0;
  const FixedLog low = target.tokens + kHalf;
  const FixedLog average = Above(low, c.mean()) + Above(c.work(), target.tokens + kOneAndQuarter);
  const FixedLog extreme =
      Above(low, c.smallest()) + Above(c.largest(), target.tokens + kOneAndHalf);
  return 8 * average + extreme;
}

// A cut that leaves a remainder costs more batches per layer and unequal windows.
FixedLog UnevenCost(const AxisCut& cut) {
  return cut.unevenness() == 0 ? 0 : kLogOne / 4 + cut.unevenness();
}

// Distance from the target; smaller is better.
FixedLog Distance(const Candidate& c, const Target& target, const WindowCycle& earlier) {
  FixedLog distance = 2 * std::abs(c.mean() - target.tokens);
  distance += std::abs(c.t.mean - target.frames);
  distance += std::abs(c.w.mean - c.h.mean - target.aspect) / 2;
  distance += UnevenCost(c.t) + UnevenCost(c.h) + UnevenCost(c.w);
  if (std::ranges::find(earlier, c.counts()) != earlier.end()) distance += 2 * kLogOne;
  if (c.smallest() == 0) distance += 8 * kLogOne;  // a window of one token attends to nothing
  return distance;
}

// The best candidate so far; the first among equals.
class Best {
 public:
  Best(const Target& target, const WindowCycle& earlier) : target_(target), earlier_(earlier) {}
  void Offer(const Candidate& candidate) {
    const auto rank =
        std::pair(Violation(candidate, target_), Distance(candidate, target_, earlier_));
    if (rank < rank_) {
      rank_ = rank;
      counts_ = candidate.counts();
    }
  }
  bool violates() const { return rank_.first > 0; }
  // Whether no candidate at this distance or farther can be better.
  bool Beats(FixedLog distance) const { return !violates() && distance >= rank_.second; }
  const WindowCounts& counts() const { return counts_; }

 private:
  const Target& target_;
  const WindowCycle& earlier_;
  std::pair<FixedLog, FixedLog> rank_{std::numeric_limits<FixedLog>::max(), 0};
  WindowCounts counts_;
};

// The widths to try with these cuts of time and height: windows of a third to twice the target's
// tokens, and the nearest on both sides, so that there is always one.
std::pair<size_t, size_t> WidthRange(const std::vector<AxisCut>& widths, FixedLog wanted) {
  const auto longer_than = [&](FixedLog length) {
    const auto end =
        std::ranges::partition_point(widths, [&](const AxisCut& cut) { return cut.mean > length; });
    return static_cast<size_t>(end - widths.begin());
  };
  const size_t first = longer_than(wanted + kLogOne);
  const size_t last = longer_than(wanted - 8 * kLogOne / 5);
  return {first > 0 ? first - 1 : 0, std::min(last + 1, widths.size())};
}

// The mixed types cut time wherever two windows of two tokens are possible, into windows of at
// least half the wanted frames, or longer ones if frames have few tokens.
std::vector<AxisCut> TimeCuts(const Grid& grid, const Target& target) {
  if (target.whole_time || grid.t == 1 || grid.tokens() < 4) return AxisCuts(grid.t, 1, 1);
  std::vector<AxisCut> cuts = AxisCuts(grid.t, 2, grid.t);
  std::erase_if(cuts, [&](const AxisCut& cut) { return cut.mean < target.frames - kLogOne; });
  return cuts;
}

// A lower bound of the distance with these cuts of time and height, whatever the width: tokens and
// aspect each determine a width, and the gap between the two counts at least by half.
FixedLog MinDistance(const AxisCut& t, const AxisCut& h, const Target& target) {
  return std::abs(t.mean - target.frames) + UnevenCost(t) + UnevenCost(h) +
         std::abs(target.tokens - t.mean - 2 * h.mean - target.aspect) / 2;
}

WindowCounts Search(const Grid& grid, const Target& target, const WindowCycle& earlier) {
  const std::vector<AxisCut> times = TimeCuts(grid, target);
  const std::vector<AxisCut> heights = AxisCuts(grid.h, 1, grid.h);
  const std::vector<AxisCut> widths = AxisCuts(grid.w, 1, grid.w);
  Best best(target, earlier);
  if (grid.h == grid.w) {  // its own transpose: equal counts, if these meet the limits
    for (const AxisCut& t : times) {
      for (const AxisCut& side : heights) best.Offer({t, side, side});
    }
    if (!best.violates()) return best.counts();
  }
  for (const AxisCut& t : times) {
    for (const AxisCut& h : heights) {
      if (best.Beats(MinDistance(t, h, target) - 1)) continue;  // halves are rounded
      const auto [first, last] = WidthRange(widths, target.tokens - t.mean - h.mean);
      for (size_t i = first; i < last; ++i) best.Offer({t, h, widths[i]});
    }
  }
  return best.counts();
}

FixedLog LogRatio(int64_t numerator, int64_t denominator) {
  return Log2Fixed(numerator) - Log2Fixed(denominator);
}

// The published number of tokens; on a small grid the same share as at kPlannedTokens, but at
// least 8.
FixedLog WantedTokens(const Grid& grid, FixedLog published) {
  if (grid.tokens() >= kPlannedTokens) return published;
  const FixedLog scaled = published + LogRatio(grid.tokens(), kPlannedTokens);
  return std::min(std::max(scaled, 3 * kLogOne), Log2Fixed(grid.tokens()));
}

// The published window's aspect in proportion to the grid's: none on a square grid, all of it from
// the published grid's aspect on.
FixedLog WantedAspect(const Grid& grid, const Grid& published, FixedLog aspect) {
  const FixedLog full = LogRatio(published.w, published.h);
  return aspect * std::min(LogRatio(grid.w, grid.h), full) / full;
}

Target MakeTarget(const Grid& grid, const WindowTable& published, size_t type) {
  const Grid& from = published.grid;
  const WindowCounts& counts = published.cycle[type];
  const FixedLog tokens = LogRatio(from.tokens(), counts.windows());
  const FixedLog aspect = LogRatio(from.w * counts.h, from.h * counts.w);
  Target target;
  target.tokens = WantedTokens(grid, tokens);
  target.aspect = WantedAspect(grid, from, aspect);
  target.whole_time = counts.t == 1;
  target.frames = Log2Fixed(grid.t);
  if (!target.whole_time && grid.t > 1) {
    target.frames = std::min(LogRatio(from.t, counts.t), target.frames - kLogOne);
  }
  target.band = grid.tokens() >= kPlannedTokens;
  return target;
}

WindowCycle Transposed(WindowCycle cycle) {
  for (WindowCounts& counts : cycle) std::swap(counts.h, counts.w);
  return cycle;
}

WindowCycle PlanLandscape(const Grid& grid, const WindowTable& published) {
  if (grid == published.grid) return published.cycle;
  WindowCycle cycle{{grid.t, 1, 1}};
  for (size_t type = 1; type < published.cycle.size(); ++type) {
    cycle.push_back(Search(grid, MakeTarget(grid, published, type), cycle));
  }
  return cycle;
}

void CheckTable(const WindowTable& published) {
  const Grid& grid = published.grid;
  const WindowCounts whole_frames{grid.t, 1, 1};
  T3_CHECK(published.cycle.size() == 5 && published.cycle[0] == whole_frames,
           "planner: the table '{}' does not have five layouts that begin with whole frames",
           FormatWindows(published.cycle));
  T3_CHECK(grid.w > grid.h, "planner: the table's grid {}x{}x{} is not landscape", grid.t, grid.h,
           grid.w);
}

}  // namespace

WindowCycle PlanWindows(const Grid& grid, const WindowTable& published) {
  T3_CHECK(grid.t > 0 && grid.h > 0 && grid.w > 0, "planner: the grid {}x{}x{} has no tokens",
           grid.t, grid.h, grid.w);
  CheckTable(published);
  if (grid.w >= grid.h) return PlanLandscape(grid, published);
  return Transposed(PlanLandscape({grid.t, grid.w, grid.h}, published));
}

}  // namespace t3
