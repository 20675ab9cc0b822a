// Layouts of ranks, and those that are refused.
#include "training/loop/rank_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/error_of.h"

namespace t3 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(RankLayout, SharesClipsWhereThereAreFewerBatchesThanRanks) {
  EXPECT_EQ(ChooseRankLayout(4, 8, {}, 12).sequence, 1);
  EXPECT_EQ(ChooseRankLayout(4, 4, {}, 12).sequence, 1);
  EXPECT_EQ(ChooseRankLayout(4, 2, {}, 12).sequence, 2);
  EXPECT_EQ(ChooseRankLayout(4, 3, {}, 12).sequence, 2);
  EXPECT_EQ(ChooseRankLayout(4, 1, {}, 12).sequence, 4);
  EXPECT_EQ(ChooseRankLayout(6, 2, {}, 12).sequence, 3);
  EXPECT_EQ(ChooseRankLayout(4, 4, 4, 12).sequence, 4);
  EXPECT_EQ(ChooseRankLayout(1, 1, 4, 12).sequence, 1);  // a configuration for more ranks
}

TEST(RankLayout, RanksOfAGroupAreConsecutive) {
  const RankLayout layout{6, 2};
  EXPECT_EQ(layout.groups(), 3);
  EXPECT_EQ(layout.GroupOf(5), 2);
  EXPECT_THAT(layout.Members(3), ElementsAre(2, 3));
}

TEST(RankLayout, RefusesWhatCannotTrain) {
  const auto refusal = [](int64_t ranks, int64_t accumulation, std::optional<int64_t> asked,
                          int64_t heads) {
    return ErrorOf([&] { ChooseRankLayout(ranks, accumulation, asked, heads); });
  };
  EXPECT_THAT(refusal(4, 4, 3, 12),
              HasSubstr("\"sequence_parallel\" 3: it does not divide 4 ranks"));
  EXPECT_THAT(refusal(8, 4, 8, 12), HasSubstr("does not divide the denoiser's 12 heads"));
  EXPECT_THAT(refusal(4, 1, 2, 12), HasSubstr("gives 2 groups of ranks"));
  EXPECT_THAT(refusal(8, 1, {}, 12),
              HasSubstr("must divide the 12 heads; set it to a multiple of 8"));
  EXPECT_THAT(refusal(2, 1, {}, 1),
              HasSubstr("\"accumulation\" 1 gives 2 ranks fewer than one batch"));
}

}  // namespace
}  // namespace t3
