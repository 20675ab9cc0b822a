// The fastest plans of ops that earlier runs found. Of the process; thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>

namespace t3 {

// Machine (GPU, library and its version) and shape -> name of the plan (ops/autotuner.h).
using PlanTable = std::map<std::string, std::string>;

// From now on, for shapes that have not come yet.
void SetPlanTable(PlanTable table);
std::shared_ptr<const PlanTable> CurrentPlanTable();
// The current table's plan of a shape on a machine; "" where it has none.
std::string PlanInTable(const std::string& key);

// What timing finds is kept here until it is taken.
void AddFoundPlan(const std::string& key, const std::string& plan);
PlanTable TakeFoundPlans();

}  // namespace t3
