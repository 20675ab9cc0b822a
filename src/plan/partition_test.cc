// Partitions against model.md's formulas, token by token, over thousands of grids.
#include "plan/partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "t3video/error.h"

namespace t3 {
namespace {

using testing::ElementsAre;

using AxisRule = std::function<int64_t(int64_t x, int64_t size, int64_t count)>;

int64_t CloseRule(int64_t x, int64_t size, int64_t count) { return x * count / size; }
int64_t RemoteRule(int64_t x, int64_t, int64_t count) { return x % count; }

// By the definition: how many of the cuts floor((2i-1)*X / (2n)) lie at or before x.
int64_t ShiftedRule(int64_t x, int64_t size, int64_t count) {
  int64_t window = 0;
  for (int64_t i = 1; count > 1 && i <= count; ++i) {
    if ((2 * i - 1) * size / (2 * count) <= x) ++window;
  }
  return window;
}

// Token lists of all windows by the rule, each increasing, in any order.
std::set<std::vector<int32_t>> WindowsByRule(const Grid& grid, const WindowCounts& counts,
                                             const AxisRule& rule) {
  std::map<std::array<int64_t, 3>, std::vector<int32_t>> windows;
  int32_t token = 0;
  for (int64_t t = 0; t < grid.t; ++t) {
    for (int64_t h = 0; h < grid.h; ++h) {
      for (int64_t w = 0; w < grid.w; ++w) {
        windows[{rule(t, grid.t, counts.t), rule(h, grid.h, counts.h), rule(w, grid.w, counts.w)}]
            .push_back(token++);
      }
    }
  }
  std::set<std::vector<int32_t>> lists;
  for (auto& [id, tokens] : windows) lists.insert(std::move(tokens));
  return lists;
}

// The windows of a partition; checks that its groups cover the order without gaps.
std::set<std::vector<int32_t>> WindowsOf(const Partition& partition, const Grid& grid) {
  std::set<std::vector<int32_t>> lists;
  int64_t position = 0;
  int64_t last_length = grid.tokens() + 1;
  for (const WindowGroup& group : partition.groups) {
    EXPECT_EQ(group.first, position);
    EXPECT_GT(group.count, 0);
    EXPECT_LT(group.length, last_length);
    last_length = group.length;
    for (int64_t i = 0; i < group.count; ++i, position += group.length) {
      const auto first = partition.order.begin() + position;
      EXPECT_TRUE(lists.emplace(first, first + group.length).second) << "a window occurs twice";
    }
  }
  EXPECT_EQ(position, grid.tokens());
  EXPECT_EQ(static_cast<int64_t>(partition.order.size()), grid.tokens());
  EXPECT_EQ(static_cast<int64_t>(lists.size()), partition.windows());
  return lists;
}

// Window lists equal the rule's, so every token is in exactly one window and the right one.
void ExpectRule(const Partition& partition, const Grid& grid, const WindowCounts& counts,
                const AxisRule& rule) {
  SCOPED_TRACE(testing::Message() << grid.t << "x" << grid.h << "x" << grid.w << " in " << counts.t
                                  << "," << counts.h << "," << counts.w);
  EXPECT_EQ(WindowsOf(partition, grid), WindowsByRule(grid, counts, rule));
  bool identity = true;
  for (size_t i = 0; i < partition.order.size(); ++i) {
    identity = identity && partition.order[i] == static_cast<int32_t>(i);
  }
  EXPECT_EQ(partition.in_token_order, identity);
}

int64_t Draw(std::mt19937& random, int64_t least, int64_t most) {
  return least + static_cast<int64_t>(random() % static_cast<uint64_t>(most - least + 1));
}

TEST(Partition, FollowsTheFormulasOnThousandsOfGrids) {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    const Grid grid{Draw(random, 1, 9), Draw(random, 1, 14), Draw(random, 1, 14)};
    const WindowCounts counts{Draw(random, 1, grid.t), Draw(random, 1, grid.h),
                              Draw(random, 1, grid.w)};
    const Partition close = ClosePartition(grid, counts);
    const Partition remote = RemotePartition(grid, counts);
    ExpectRule(close, grid, counts, CloseRule);
    ExpectRule(remote, grid, counts, RemoteRule);
    ExpectRule(ShiftedPartition(grid, counts), grid, counts, ShiftedRule);
    EXPECT_EQ(close.windows(), counts.windows());
    EXPECT_EQ(remote.windows(), counts.windows());
    EXPECT_LE(close.groups.size(), 8u);
    EXPECT_LE(remote.groups.size(), 8u);
    if (Coincide(grid, counts)) {
      EXPECT_EQ(WindowsOf(close, grid), WindowsOf(remote, grid));
    }
    if (HasFailure()) return;  // one grid's report is enough
  }
}

TEST(Partition, CoincidesExactlyWhereTheWindowsAreTheSame) {
  for (int64_t size = 1; size <= 12; ++size) {
    for (int64_t count = 1; count <= size; ++count) {
      const Grid grid{1, size, 2};
      const WindowCounts counts{1, count, 1};
      EXPECT_EQ(Coincide(grid, counts), WindowsOf(ClosePartition(grid, counts), grid) ==
                                            WindowsOf(RemotePartition(grid, counts), grid))
          << count << " of " << size;
    }
  }
}

TEST(Partition, PredictsOrderAndLargestGroupWithoutThePartition) {
  int in_order = 0, uneven = 0;
  for (const Grid& grid :
       {Grid{1, 1, 1}, Grid{3, 5, 7}, Grid{4, 6, 8}, Grid{1, 5, 6}, Grid{5, 1, 4}}) {
    for (int64_t t = 1; t <= grid.t; ++t) {
      for (int64_t h = 1; h <= grid.h; ++h) {
        for (int64_t w = 1; w <= grid.w; ++w) {
          const WindowCounts counts{t, h, w};
          const Partition close = ClosePartition(grid, counts);
          int64_t largest = 0;
          for (const WindowGroup& group : close.groups) {
            largest = std::max(largest, group.count * group.length);
          }
          EXPECT_EQ(InTokenOrder(grid, counts), close.in_token_order) << t << h << w;
          EXPECT_EQ(LargestGroup(grid, counts), largest) << t << h << w;
          in_order += close.in_token_order;
          uneven += close.groups.size() > 1;
        }
      }
    }
  }
  EXPECT_GT(in_order, 20);
  EXPECT_GT(uneven, 100);
}

TEST(Partition, OrdersWindowsByIdAndTokensByIndex) {
  const Partition close = ClosePartition({1, 2, 4}, {1, 1, 2});
  EXPECT_THAT(close.order, ElementsAre(0, 1, 4, 5, 2, 3, 6, 7));
  EXPECT_THAT(close.groups, ElementsAre(WindowGroup{0, 2, 4}));
  EXPECT_FALSE(close.in_token_order);
  const Partition remote = RemotePartition({1, 2, 4}, {1, 1, 2});
  EXPECT_THAT(remote.order, ElementsAre(0, 2, 4, 6, 1, 3, 5, 7));
  // Uneven: 5 columns in 2 windows are 3 + 2; the longer window's group comes first.
  const Partition uneven = ClosePartition({1, 1, 5}, {1, 1, 2});
  EXPECT_THAT(uneven.groups, ElementsAre(WindowGroup{0, 1, 3}, WindowGroup{3, 1, 2}));
  EXPECT_TRUE(uneven.in_token_order);
}

TEST(Partition, ShiftedIsSwinsMaskedCyclicShift) {
  // 12 columns in windows of 3, rolled by 1: pieces 1, 3, 3, 3, 2.
  const Partition shifted = ShiftedPartition({1, 1, 12}, {1, 1, 4});
  EXPECT_THAT(WindowsOf(shifted, {1, 1, 12}),
              ElementsAre(ElementsAre(0), ElementsAre(1, 2, 3), ElementsAre(4, 5, 6),
                          ElementsAre(7, 8, 9), ElementsAre(10, 11)));
  // An axis with one window is not shifted, nor are windows of one token.
  EXPECT_TRUE(ShiftedPartition({3, 4, 5}, {3, 1, 1}).in_token_order);
  EXPECT_EQ(ShiftedPartition({3, 4, 5}, {3, 1, 1}).windows(), 3);
}

TEST(Partition, FullIsOneWindowInTokenOrder) {
  const Partition full = FullPartition({3, 5, 7});
  EXPECT_TRUE(full.in_token_order);
  EXPECT_THAT(full.groups, ElementsAre(WindowGroup{0, 1, 105}));
}

TEST(Partition, LayersGetThePatternsPartitions) {
  const Grid grid{3, 4, 8};
  const WindowCycle cycle{{3, 1, 1}, {1, 2, 4}, {1, 4, 2}};
  const auto layer = [&](AttentionPattern pattern, int64_t i) {
    std::vector<std::vector<int32_t>> orders;
    for (Partition& p : LayerPartitions(pattern, cycle, grid, i)) orders.push_back(p.order);
    return orders;
  };
  const auto close = [&](size_t i) { return ClosePartition(grid, cycle[i]).order; };
  const auto remote = [&](size_t i) { return RemotePartition(grid, cycle[i]).order; };
  EXPECT_THAT(layer(AttentionPattern::kT3, 3), ElementsAre(close(0)));  // they coincide
  EXPECT_THAT(layer(AttentionPattern::kT3, 4), ElementsAre(close(1), remote(1)));
  EXPECT_THAT(layer(AttentionPattern::kClose, 5), ElementsAre(close(2)));
  EXPECT_THAT(layer(AttentionPattern::kRemote, 5), ElementsAre(remote(2)));
  EXPECT_THAT(layer(AttentionPattern::kSwin, 4), ElementsAre(close(1)));
  EXPECT_THAT(layer(AttentionPattern::kSwin, 1),
              ElementsAre(ShiftedPartition(grid, cycle[1]).order));
  EXPECT_THAT(layer(AttentionPattern::kFull, 1), ElementsAre(FullPartition(grid).order));
  EXPECT_THROW(LayerPartitions(AttentionPattern::kT3, {}, grid, 0), Error);
  EXPECT_EQ(LayerPartitions(AttentionPattern::kFull, {}, grid, 0).size(), 1u);
}

TEST(Partition, LayersWithOneIndexShareTheirPartitions) {
  const Grid grid{2, 3, 5};
  const WindowCycle cycle{{2, 1, 1}, {1, 3, 2}, {1, 1, 5}, {2, 2, 2}, {1, 2, 4}};
  for (const auto pattern :
       {AttentionPattern::kFull, AttentionPattern::kT3, AttentionPattern::kClose,
        AttentionPattern::kRemote, AttentionPattern::kSwin}) {
    for (int64_t layer = 0; layer < 30; ++layer) {
      const int64_t index = LayoutIndex(pattern, std::ssize(cycle), layer);
      ASSERT_LT(index, LayoutCount(pattern, std::ssize(cycle)));
      const auto a = LayerPartitions(pattern, cycle, grid, layer);
      const auto b = LayerPartitions(pattern, cycle, grid, index);
      ASSERT_EQ(a.size(), b.size());
      for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].order, b[i].order);
    }
  }
  EXPECT_EQ(LayoutCount(AttentionPattern::kSwin, 5), 10);
  EXPECT_EQ(LayoutCount(AttentionPattern::kSwin, 4), 4);
}

TEST(Partition, RefusesCountsOutsideTheGridAndGridsBeyond32Bits) {
  EXPECT_THROW(ClosePartition({3, 4, 5}, {4, 1, 1}), Error);
  EXPECT_THROW(RemotePartition({3, 4, 5}, {1, 0, 1}), Error);
  EXPECT_THROW(ShiftedPartition({3, 4, 5}, {1, 1, 6}), Error);
  EXPECT_THROW(FullPartition({0, 4, 5}), Error);
  EXPECT_THROW(FullPartition({1024, 2048, 1024}), Error);
}

TEST(Partition, HoldsAt4K) {
  const Grid grid{21, 136, 240};
  const Partition remote = RemotePartition(grid, {7, 8, 6});
  EXPECT_THAT(remote.groups, ElementsAre(WindowGroup{0, 336, 2040}));
  std::vector<bool> seen(static_cast<size_t>(grid.tokens()));
  for (const int32_t token : remote.order) seen[static_cast<size_t>(token)] = true;
  EXPECT_EQ(std::ranges::count(seen, true), grid.tokens());
}

}  // namespace
}  // namespace t3
