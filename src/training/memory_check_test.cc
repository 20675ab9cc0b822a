// Plans against devices of several sizes.
#include "training/memory_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace t3 {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// 2 GB of weights and 6 GB of activations.
TrainPlan PlanOn(int64_t free, const char* task = "dit") {
  TrainPlan plan;
  plan.task = task;
  plan.device = "CPU (cpu)";
  plan.weight_bytes = 2'000'000'000;
  plan.activation_bytes = 6'000'000'000;
  plan.device_bytes = free;
  return plan;
}

TEST(MemoryCheck, RefusesWhatTakesMoreThanTwiceTheFreeMemory) {
  const std::optional<Error> refusal = MemoryRefusal(PlanOn(3'999'000'000));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->kind(), ErrorKind::kFailed);
  EXPECT_THAT(refusal->what(),
              AllOf(HasSubstr("2.0 GB for weights"), HasSubstr("about 6.0 GB for the activations"),
                    HasSubstr("CPU (cpu) has 4.0 GB free"), HasSubstr("\"batch_size\""),
                    HasSubstr("\"accumulation\""), HasSubstr("\"activation_checkpoints\"")));
  EXPECT_FALSE(MemoryRefusal(PlanOn(4'000'000'000)));
  EXPECT_FALSE(MemoryRefusal(PlanOn(0)));  // unknown
}

TEST(MemoryCheck, NotesWhatMayNotFit) {
  EXPECT_EQ(MemoryNote(PlanOn(8'000'000'000)), "");
  EXPECT_THAT(MemoryNote(PlanOn(7'999'000'000)), HasSubstr("may not be enough"));
  EXPECT_THAT(MemoryNote(PlanOn(4'000'000'000)), HasSubstr("may not be enough"));
  EXPECT_EQ(MemoryNote(PlanOn(3'999'000'000)), "");
}

TEST(MemoryCheck, NamesFieldsThatTheTaskHasAndThatHelp) {
  EXPECT_THAT(MemoryRefusal(PlanOn(1'000'000'000, "vae"))->what(),
              AllOf(HasSubstr("at least 6.0 GB"), HasSubstr("smaller crops"),
                    Not(HasSubstr("activation_checkpoints"))));
  TrainPlan plan = PlanOn(1'000'000'000);
  plan.activation_bytes = 1'000'000'000;
  EXPECT_THAT(MemoryRefusal(plan)->what(), AllOf(HasSubstr("\"lora\""), Not(HasSubstr("batch_"))));
}

TEST(MemoryCheck, AnAbsurdBatchDoesNotOverflow) {
  TrainPlan plan = PlanOn(1'000'000'000);
  plan.activation_bytes = INT64_MAX;
  EXPECT_TRUE(MemoryRefusal(plan));
}

}  // namespace
}  // namespace t3
