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

}  // namespace
}  // namespace t3
