// Plans against disks of several sizes.
#include "training/disk_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace t3 {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Checkpoints of 300 MB, two of which are kept, and a model of 100 MB.
TrainPlan PlanWith(int64_t free) {
  TrainPlan plan;
  plan.output = "run";
  plan.steps = 50;
  plan.checkpoint_bytes = 300'000'000;
  plan.model_bytes = 100'000'000;
  plan.checkpoints_kept = 2;
  plan.free_disk_bytes = free;
  return plan;
}

TEST(DiskCheck, RefusesADiskWithoutRoomForACheckpointAndTheModel) {
  const std::optional<Error> refusal = DiskRefusal(PlanWith(399'000'000), {});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->kind(), ErrorKind::kFailed);
  EXPECT_THAT(refusal->what(),
              AllOf(HasSubstr("run"), HasSubstr("399.0 MB free"), HasSubstr("free 1.0 MB more")));
  EXPECT_FALSE(DiskRefusal(PlanWith(400'000'000), {}));
  EXPECT_FALSE(DiskRefusal(PlanWith(-1), {}));
}

TEST(DiskCheck, CountsWhatAnEarlierCallLeft) {
  EXPECT_TRUE(DiskRefusal(PlanWith(399'000'000), {20}));
  EXPECT_FALSE(DiskRefusal(PlanWith(400'000'000), {20}));
  EXPECT_FALSE(DiskRefusal(PlanWith(100'000'000), {20, 10}));  // the oldest makes room
  EXPECT_TRUE(DiskRefusal(PlanWith(99'000'000), {20, 10}));
  TrainPlan one = PlanWith(300'000'000);
  one.checkpoints_kept = 1;
  EXPECT_FALSE(DiskRefusal(one, {20}));  // which stays until the next is there
  one.free_disk_bytes = 299'000'000;
  EXPECT_TRUE(DiskRefusal(one, {20}));
  EXPECT_FALSE(DiskRefusal(PlanWith(0), {40, 30, 20, 10}));    // kept with a larger "keep"
  EXPECT_FALSE(DiskRefusal(PlanWith(100'000'000), {50, 40}));  // only the model is written
}

TEST(DiskCheck, CountsTheBestModelBesideTheLast) {
  TrainPlan plan = PlanWith(500'000'000);
  plan.best_bytes = plan.model_bytes;
  EXPECT_FALSE(DiskRefusal(plan, {}));
  plan.free_disk_bytes = 499'000'000;
  const std::optional<Error> refusal = DiskRefusal(plan, {});
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->what(), AllOf(HasSubstr("the best one"), HasSubstr("free 1.0 MB more")));
  plan.has_best = true;
  plan.free_disk_bytes = 400'000'000;
  EXPECT_FALSE(DiskRefusal(plan, {}));
  plan.free_disk_bytes = 99'000'000;
  EXPECT_TRUE(DiskRefusal(plan, {40, 30, 20, 10})) << "it is complete before it replaces the other";
  EXPECT_FALSE(DiskRefusal(PlanWith(99'000'000), {40, 30, 20, 10}));
  plan.free_disk_bytes = 100'000'000;
  EXPECT_FALSE(DiskRefusal(plan, {50, 40})) << "only the model is written";
  plan.has_best = false;
  plan.free_disk_bytes = 999'000'000;
  EXPECT_THAT(DiskNote(plan, {}), HasSubstr("3 checkpoints"));
  plan.free_disk_bytes = 1'000'000'000;
  EXPECT_EQ(DiskNote(plan, {}), "");
}

TEST(DiskCheck, CountsCachesWhereTheyLie) {
  TrainPlan plan = PlanWith(500'000'000);
  plan.caches = {{"clips", 100'000'000, 500'000'000, /*on_output_disk=*/true}};
  EXPECT_FALSE(DiskRefusal(plan, {}));
  plan.free_disk_bytes = 499'000'000;
  std::optional<Error> refusal = DiskRefusal(plan, {});
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->what(),
              AllOf(HasSubstr("\"cache\" 100.0 MB"), HasSubstr("free 1.0 MB more")));

  plan.caches = {{"clips", 100'000'000, 99'000'000, /*on_output_disk=*/false}};
  refusal = DiskRefusal(plan, {});
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->what(),
              AllOf(HasSubstr("\"cache\" clips has 99.0 MB free"), HasSubstr("free 1.0 MB more")));
  plan.caches[0].free_bytes = -1;
  EXPECT_FALSE(DiskRefusal(plan, {}));
}

TEST(DiskCheck, NotesThatALaterCheckpointMayNotFit) {
  EXPECT_THAT(DiskNote(PlanWith(899'000'000), {}), HasSubstr("3 checkpoints"));
  EXPECT_EQ(DiskNote(PlanWith(900'000'000), {}), "");
  EXPECT_EQ(DiskNote(PlanWith(600'000'000), {20}), "");
}

}  // namespace
}  // namespace t3
