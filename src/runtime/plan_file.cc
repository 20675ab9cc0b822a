// {"format": ..., "plans": {shape and machine: plan}}.
#include "runtime/plan_file.h"

#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "ops/conv/convolution_tuning.h"
#include "runtime/cache_folder.h"
#include "runtime/shipped_files.h"

namespace t3 {
namespace {

constexpr const char* kPlanFormat = "t3video plans 1";

// nullopt for a file that is not such a table.
std::optional<nlohmann::json> ReadPlans(const std::string& path) {
  try {
    nlohmann::json json = ReadJson(path);
    if (!json.is_object() || json.value("format", nlohmann::json()) != kPlanFormat)
      return std::nullopt;
    nlohmann::json plans = json.value("plans", nlohmann::json());
    if (plans.is_object()) return plans;
  } catch (const Error& error) {
    spdlog::debug("{}", error.what());
  }
  return std::nullopt;
}

void WriteTable(const std::string& path, PlanTable table, const PlanTable& found) {
  for (const auto& [shape, plan] : found) table[shape] = plan;
  const nlohmann::ordered_json json{{"format", kPlanFormat}, {"plans", table}};
  WriteAtomically(path, DumpJson(json, 2) + "\n");
}

std::string KeptPlansFile() {
  const std::string folder = CacheFolder();
  return folder.empty() ? "" : folder + "/plans.json";
}

}  // namespace

PlanTable ReadPlanTable(const std::string& path) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) return {};
  const std::optional<nlohmann::json> plans = ReadPlans(path);
  if (!plans) {
    spdlog::info("{} is not a table of plans that this version reads; it is ignored", path);
    return {};
  }
  PlanTable table;
  for (const auto& [shape, plan] : plans->items()) {
    if (plan.is_string()) table[shape] = plan.get<std::string>();
  }
  return table;
}

void AddToPlanTable(const std::string& path, const PlanTable& found) {
  CheckPlanTable(path);
  WriteTable(path, ReadPlanTable(path), found);
}

void CheckPlanTable(const std::string& path) {
  std::error_code ignored;
  T3_CHECK(!std::filesystem::exists(path, ignored) || ReadPlans(path),
           "{} is not a table of plans of this version, so nothing is added to it; name "
           "another file",
           path);
}

void UseKeptPlans() {
  static std::once_flag once;
  std::call_once(once, [] {
    PlanTable table = ReadPlanTable(KeptPlansFile());
    table.merge(ReadPlanTable(ShippedPath("plans.json")));
    SetPlanTable(std::move(table));
    SetConvolutionSettings({.of_nearest_rows = true});
  });
}

PlanTable TakeFinishedPlans() {
  FinishConvolutionTuning();
  return TakeFoundPlans();
}

void KeepPlans() {
  const std::string path = KeptPlansFile();
  const PlanTable found = TakeFinishedPlans();
  if (path.empty() || found.empty()) return;
  try {
    WriteTable(path, ReadPlanTable(path), found);  // in place of a damaged one as well
    spdlog::debug("{} plans were timed and saved in {}", found.size(), path);
  } catch (const Error& error) {
    spdlog::warn("plans could not be saved: {}", error.what());
  }
}

}  // namespace t3
