// Splits of a job among GPUs.
#include "cli/job_split.h"

#include <gtest/gtest.h>

namespace t3 {
namespace {

JobSplit Split(int64_t gpus, int64_t entries, int64_t min_gpus = 1) {
  return ChooseJobSplit(gpus, entries, [&](int64_t some) { return some >= min_gpus; });
}

TEST(JobSplit, GivesEveryGpuVideosOfItsOwn) {
  EXPECT_EQ(Split(4, 4).parts, 4);
  EXPECT_EQ(Split(4, 100).parts, 4);
  EXPECT_EQ(Split(4, 100).gpus, 1);
}

TEST(JobSplit, SharesVideosWhereThereAreFewerThanGpus) {
  EXPECT_EQ(Split(4, 1).parts, 1);
  EXPECT_EQ(Split(4, 1).gpus, 4);
  EXPECT_EQ(Split(4, 2).parts, 2);
  EXPECT_EQ(Split(8, 2).gpus, 4);
}

// Five videos on four GPUs: two rounds of one GPU each take 2, five rounds of all of them 1.4.
TEST(JobSplit, AvoidsARoundWithOneVideo) {
  EXPECT_EQ(Split(4, 5).parts, 1);
  EXPECT_EQ(Split(4, 6).parts, 2);
  EXPECT_EQ(Split(4, 9).parts, 1);
  EXPECT_EQ(Split(4, 31).parts, 4);
}

TEST(JobSplit, LeavesAVideoTheGpusThatItNeeds) {
  EXPECT_EQ(Split(4, 8, 2).parts, 2);
  EXPECT_EQ(Split(4, 8, 2).gpus, 2);
  EXPECT_EQ(Split(4, 8, 4).parts, 1);
}

// Three heads cannot be shared by two or four GPUs.
TEST(JobSplit, DividesAlsoUnevenlyWhereVideosCannotBeShared) {
  const auto alone = [](int64_t gpus) { return gpus == 1; };
  EXPECT_EQ(ChooseJobSplit(2, 3, alone).parts, 2);
  EXPECT_EQ(ChooseJobSplit(4, 5, alone).parts, 4);
  EXPECT_EQ(ChooseJobSplit(4, 5, [](int64_t) { return false; }).gpus, 4);
}

// Nor can one video that is left, or three on four GPUs: the others are idle.
TEST(JobSplit, LeavesGpusIdleThatNoSplitCanUse) {
  const auto split = [](int64_t gpus, int64_t entries) {
    const JobSplit chosen =
        ChooseJobSplit(gpus, entries, [](int64_t some) { return 3 % some == 0; });
    return std::pair(chosen.parts, chosen.gpus);
  };
  EXPECT_EQ(split(2, 1), std::pair(1L, 1L));
  EXPECT_EQ(split(4, 3), std::pair(3L, 1L));
  EXPECT_EQ(split(8, 1), std::pair(1L, 3L));
  EXPECT_EQ(split(8, 2), std::pair(2L, 3L));
  EXPECT_EQ(split(6, 2), std::pair(2L, 3L));  // all work
}

}  // namespace
}  // namespace t3
