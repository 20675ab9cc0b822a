// The order of turns.
#include "training/loop/turns.h"

#include <gtest/gtest.h>

namespace t3 {
namespace {

TEST(TurnPlan, GivesEachKindItsShareEvenlyAndCountsItsTurns) {
  const TurnPlan plan({4, 2, 1});
  std::vector<int64_t> counts(3, 0);
  size_t last = 3;
  for (int64_t i = 0; i < 21; ++i) {
    const Turn turn = plan.At(i);
    EXPECT_EQ(turn.earlier, counts[turn.kind]++) << i;
    EXPECT_TRUE(turn.kind == 0 || turn.kind != last) << "a rare kind twice in a row at " << i;
    last = turn.kind;
  }
  EXPECT_EQ(counts, (std::vector<int64_t>{12, 6, 3}));
}

// Steps of a round's length, shared by as many ranks: each has the same kinds, and each rank one.
TEST(TurnPlan, RoundsAreAlike) {
  const TurnPlan plan({3, 1});
  for (int64_t i = 0; i < 40; ++i) EXPECT_EQ(plan.At(i).kind, i % 4 == 2 ? 1U : 0U) << i;
}

}  // namespace
}  // namespace t3
