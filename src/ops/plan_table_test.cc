// The process's table, and what timing adds to be taken.
#include "ops/plan_table.h"

#include <gtest/gtest.h>

namespace t3 {
namespace {

TEST(PlanTable, KnowsWhatWasSetAndKeepsWhatWasFound) {
  TakeFoundPlans();
  SetPlanTable({{"a GPU, a product", "1"}});
  EXPECT_EQ(PlanInTable("a GPU, a product"), "1");
  EXPECT_EQ(PlanInTable("another GPU, a product"), "");
  const auto before = CurrentPlanTable();
  SetPlanTable({});
  EXPECT_EQ(PlanInTable("a GPU, a product"), "");
  EXPECT_EQ(before->size(), 1);  // whoever reads it still has it

  AddFoundPlan("x", "1");
  AddFoundPlan("y", "1");
  AddFoundPlan("x", "2");
  EXPECT_EQ(PlanInTable("x"), "");  // found is not yet known
  EXPECT_EQ(TakeFoundPlans(), (PlanTable{{"x", "2"}, {"y", "1"}}));
  EXPECT_TRUE(TakeFoundPlans().empty());
}

}  // namespace
}  // namespace t3
