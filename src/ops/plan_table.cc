// Two tables behind a lock.
#include "ops/plan_table.h"

#include <mutex>
#include <utility>

namespace t3 {
namespace {

struct Plans {
  std::mutex mutex;
  std::shared_ptr<const PlanTable> table = std::make_shared<const PlanTable>();
  PlanTable found;
};

Plans& ThePlans() {
  static Plans plans;
  return plans;
}

}  // namespace

void SetPlanTable(PlanTable table) {
  auto shared = std::make_shared<const PlanTable>(std::move(table));
  const std::lock_guard lock(ThePlans().mutex);
  ThePlans().table = std::move(shared);
}

std::shared_ptr<const PlanTable> CurrentPlanTable() {
  const std::lock_guard lock(ThePlans().mutex);
  return ThePlans().table;
}

std::string PlanInTable(const std::string& key) {
  const auto table = CurrentPlanTable();
  const auto found = table->find(key);
  return found == table->end() ? "" : found->second;
}

void AddFoundPlan(const std::string& key, const std::string& plan) {
  const std::lock_guard lock(ThePlans().mutex);
  ThePlans().found[key] = plan;
}

PlanTable TakeFoundPlans() {
  const std::lock_guard lock(ThePlans().mutex);
  return std::exchange(ThePlans().found, {});
}

}  // namespace t3
