// The fastest plans that earlier runs found, stored in a file.
#pragma once

#include <string>

#include "ops/plan_table.h"

namespace t3 {

// What the file holds; empty, with a line in the log, where it is broken or of another format.
// Entries of other machines stay in it and never match. A missing file is an empty table.
PlanTable ReadPlanTable(const std::string& path);

// Adds entries to the file, over those of the same shape and machine, atomically. Throws Error
// where it cannot be written or is not such a table.
void AddToPlanTable(const std::string& path, const PlanTable& found);

// Throws Error when the file exists and is not such a table: nothing can be added to it.
void CheckPlanTable(const std::string& path);

// Before work on a GPU, on every rank: the table that comes with the program, and over it that of
// the cache folder; for convolutions also at heights near those of the tables. Once per process: a
// later call has no effect.
void UseKeptPlans();

// What timing found and was not taken before. Ends timing of convolutions that is under way with
// the fastest so far.
PlanTable TakeFinishedPlans();

// After a stage: what timing found goes to the cache folder. A failure is logged.
void KeepPlans();

}  // namespace t3
