// What docs/design/planner.md promises of planned windows, over thousands of grids of every shape.
#include "plan/windows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "plan/partition.h"
#include "t3video/error.h"

namespace t3 {
namespace {

Grid Transposed(const Grid& grid) { return {grid.t, grid.w, grid.h}; }

WindowCycle Transposed(WindowCycle cycle) {
  for (WindowCounts& counts : cycle) std::swap(counts.h, counts.w);
  return cycle;
}

// Tokens of the windows of one layout, counted window length by window length.
struct Tokens {
  double mean = 1, smallest = 1, largest = 1;
  double work = 1;  // attention per token: mean over tokens of the length of their window
};

Tokens TokensOf(const Grid& grid, const WindowCounts& counts) {
  Tokens tokens;
  for (const auto& [size, count] :
       {std::pair(grid.t, counts.t), std::pair(grid.h, counts.h), std::pair(grid.w, counts.w)}) {
    std::vector<int64_t> lengths(static_cast<size_t>(count));
    for (int64_t x = 0; x < size; ++x) ++lengths[static_cast<size_t>(x * count / size)];
    const auto [least, most] = std::ranges::minmax(lengths);
    double squares = 0;
    for (const int64_t length : lengths) squares += static_cast<double>(length * length);
    tokens.mean *= static_cast<double>(size) / static_cast<double>(count);
    tokens.smallest *= static_cast<double>(least);
    tokens.largest *= static_cast<double>(most);
    tokens.work *= squares / static_cast<double>(size);
  }
  return tokens;
}

// Any video size: 1..161 frames, up to 4K and beyond, squares, strips and single rows.
std::vector<Grid> SampleGrids(int count, uint32_t seed) {
  std::mt19937 random(seed);
  const auto draw = [&](uint32_t most) { return static_cast<int64_t>(1 + random() % most); };
  std::vector<Grid> grids;
  for (int i = 0; i < count; ++i) {
    Grid grid{draw(41), draw(260), draw(260)};
    if (i % 5 == 1) grid.h = grid.w;
    if (i % 7 == 2) grid = {draw(41), draw(12), draw(1024)};
    if (i % 6 == 3) grid = {draw(41), draw(24), draw(24)};
    grids.push_back(grid);
  }
  return grids;
}

std::string Name(const Grid& grid) {
  return "grid " + FormatWindows({{grid.t, grid.h, grid.w}}) + " ";
}

class PlannedWindows : public testing::TestWithParam<ModelFamily> {
 protected:
  const WindowTable& table() const { return PublishedWindows(GetParam()); }
  WindowCycle Plan(const Grid& grid) const { return PlanWindows(grid, table()); }
};

TEST_P(PlannedWindows, AreThePublishedOnesForTheirGrid) {
  EXPECT_EQ(Plan(table().grid), table().cycle);
  EXPECT_EQ(Plan(Transposed(table().grid)), Transposed(table().cycle));
}

TEST_P(PlannedWindows, KeepTheRolesOfTheFiveTypes) {
  for (const Grid& grid : SampleGrids(3000, 1)) {
    const WindowCycle cycle = Plan(grid);
    SCOPED_TRACE(Name(grid) + FormatWindows(cycle));
    ASSERT_EQ(cycle.size(), 5u);
    ASSERT_NO_THROW(CheckWindows(cycle, grid));
    ASSERT_EQ(cycle[0], (WindowCounts{grid.t, 1, 1}));
    ASSERT_EQ(cycle[1].t, 1);
    ASSERT_EQ(cycle[2].t, 1);
    const bool mixed = grid.t > 1 && grid.tokens() >= 4;
    for (const size_t type : {3, 4}) ASSERT_EQ(cycle[type].t > 1, mixed);
    // Every axis is whole in some layer of the cycle.
    ASSERT_TRUE(std::ranges::any_of(cycle, [](const auto& c) { return c.t == 1; }));
    ASSERT_TRUE(std::ranges::any_of(cycle, [](const auto& c) { return c.h == 1; }));
    ASSERT_TRUE(std::ranges::any_of(cycle, [](const auto& c) { return c.w == 1; }));
  }
}

TEST_P(PlannedWindows, HoldThePublishedTokensAtThePublishedCost) {
  int checked = 0;
  for (const Grid& grid : SampleGrids(4000, 2)) {
    if (grid.tokens() < kPlannedTokens) continue;
    ++checked;
    const WindowCycle cycle = Plan(grid);
    SCOPED_TRACE(Name(grid) + FormatWindows(cycle));
    for (size_t type = 1; type < 5; ++type) {
      const double published = TokensOf(table().grid, table().cycle[type]).mean;
      const Tokens tokens = TokensOf(grid, cycle[type]);
      ASSERT_GE(tokens.smallest, 0.5 * published) << "type " << type;
      ASSERT_LE(tokens.largest, 1.5 * published) << "type " << type;
      ASSERT_LE(tokens.work, 1.25 * published) << "type " << type;
    }
  }
  EXPECT_GT(checked, 2500);
}

TEST_P(PlannedWindows, OfTransposedGridsAreTransposed) {
  int squares = 0;
  int unequal = 0;
  for (const Grid& grid : SampleGrids(3000, 3)) {
    const WindowCycle cycle = Plan(grid);
    if (grid.h != grid.w) {
      ASSERT_EQ(Plan(Transposed(grid)), Transposed(cycle)) << Name(grid);
    } else {
      ++squares;
      unequal += cycle != Transposed(cycle) ? 1 : 0;
    }
  }
  EXPECT_GT(squares, 400);
  EXPECT_LE(unequal, squares / 100);  // where equal counts cannot meet the limits
}

TEST_P(PlannedWindows, OfSmallGridsHaveSomethingToAttendTo) {
  for (int64_t t = 1; t <= 6; ++t) {
    for (int64_t h = 1; h <= 12; ++h) {
      for (int64_t w = 1; w <= 12; ++w) {
        const Grid grid{t, h, w};
        const WindowCycle cycle = Plan(grid);
        for (size_t type = 1; type < 5; ++type) {
          ASSERT_GE(TokensOf(grid, cycle[type]).smallest, std::min<int64_t>(grid.tokens(), 2))
              << Name(grid) << FormatWindows(cycle);
        }
      }
    }
  }
}

TEST_P(PlannedWindows, PutEveryTokenIntoOneCloseAndOneRemoteWindow) {
  for (const Grid& grid : SampleGrids(24, 4)) {
    for (const WindowCounts& counts : Plan(grid)) {
      for (const Partition& partition :
           {ClosePartition(grid, counts), RemotePartition(grid, counts)}) {
        std::vector<bool> seen(static_cast<size_t>(grid.tokens()));
        for (const int32_t token : partition.order) seen[static_cast<size_t>(token)] = true;
        ASSERT_EQ(std::ranges::count(seen, true), grid.tokens()) << Name(grid);
        ASSERT_EQ(partition.windows(), counts.windows()) << Name(grid);
        ASSERT_EQ(static_cast<double>(partition.groups.front().length),
                  TokensOf(grid, counts).largest);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, PlannedWindows,
                         testing::Values(ModelFamily::kWan21, ModelFamily::kWan22),
                         [](const auto& table) {
                           return table.param == ModelFamily::kWan21 ? std::string("Wan21")
                                                                     : std::string("Wan22");
                         });

TEST(PlanWindows, RefusesInvalidGridsAndTables) {
  WindowTable table = PublishedWindows(ModelFamily::kWan21);
  EXPECT_THROW(PlanWindows({0, 4, 4}, table), Error);
  EXPECT_THROW(PlanWindows({4, -4, 4}, table), Error);
  table.cycle.pop_back();
  EXPECT_THROW(PlanWindows({4, 4, 4}, table), Error);
  table = PublishedWindows(ModelFamily::kWan21);
  std::swap(table.grid.h, table.grid.w);
  EXPECT_THROW(PlanWindows({4, 4, 4}, table), Error);
}

}  // namespace
}  // namespace t3
