// Plans for people and for programs.
#pragma once

#include <string>

#include "t3video/plan.h"

namespace t3 {

// The lines at the head of t3 generate. `options`: as they were given.
std::string RunPlanText(const RunPlan& plan, const RunOptions& options);
// One JSON object, on one line.
std::string RunPlanJson(const RunPlan& plan);

// What t3 plan prints.
std::string PlanText(const PlanResult& plan);
std::string PlanJson(const PlanResult& plan);

}  // namespace t3
