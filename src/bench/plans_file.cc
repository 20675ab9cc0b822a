// Plans by path.
#include "bench/plans_file.h"

#include "base/check.h"
#include "runtime/plan_file.h"

namespace t3 {

void UsePlansFile(const std::string& path, bool save) {
  if (save && path.empty())
    FailUsage("saving plans needs the file to save them to; name one with `plans`");
  if (save) CheckPlanTable(path);
  SetPlanTable(ReadPlanTable(path));
}

void SaveToPlansFile(const std::string& path, bool save) {
  const PlanTable found = TakeFinishedPlans();
  if (save && !found.empty()) AddToPlanTable(path, found);
}

}  // namespace t3
