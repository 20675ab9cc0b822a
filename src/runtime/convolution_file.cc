// {"format": ..., "plans": {shape and machine: plan}}.
#include "runtime/convolution_file.h"

#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "runtime/cache_folder.h"
#include "runtime/shipped_files.h"

namespace t3 {
namespace {

constexpr const char* kConvolutionFormat = "t3video convolution plans 1";

// nullopt for a file that is not such a table.
std::optional<nlohmann::json> ReadPlans(const std::string& path) {
  try {
    nlohmann::json json = ReadJson(path);
    if (!json.is_object() || json.value("format", nlohmann::json()) != kConvolutionFormat)
      return std::nullopt;
    nlohmann::json plans = json.value("plans", nlohmann::json());
    if (plans.is_object()) return plans;
  } catch (const Error& error) {
    spdlog::debug("{}", error.what());
  }
  return std::nullopt;
}

void WriteTable(const std::string& path, ConvolutionTable table, const ConvolutionTable& found) {
  for (const auto& [shape, plan] : found) table[shape] = plan;
  const nlohmann::ordered_json json{{"format", kConvolutionFormat}, {"plans", table}};
  WriteAtomically(path, DumpJson(json, 2) + "\n");
}

std::string KeptConvolutions() {
  const std::string folder = CacheFolder();
  return folder.empty() ? "" : folder + "/convolutions.json";
}

}  // namespace

ConvolutionTable ReadConvolutionTable(const std::string& path) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) return {};
  const std::optional<nlohmann::json> plans = ReadPlans(path);
  if (!plans) {
    spdlog::info("{} is not a table of convolution plans that this version reads; it is ignored",
                 path);
    return {};
  }
  ConvolutionTable table;
  for (const auto& [shape, plan] : plans->items()) {
    if (plan.is_string()) table[shape] = plan.get<std::string>();
  }
  return table;
}

void AddToConvolutionTable(const std::string& path, const ConvolutionTable& found) {
  CheckConvolutionTable(path);
  WriteTable(path, ReadConvolutionTable(path), found);
}

void CheckConvolutionTable(const std::string& path) {
  std::error_code ignored;
  T3_CHECK(
      !std::filesystem::exists(path, ignored) || ReadPlans(path),
      "{} is not a table of convolution plans of this version, so nothing is added to it; name "
      "another file",
      path);
}

void UseKeptConvolutionPlans() {
  static std::once_flag once;
  std::call_once(once, [] {
    ConvolutionTable table = ReadConvolutionTable(KeptConvolutions());
    table.merge(ReadConvolutionTable(ShippedPath("convolutions.json")));
    SetConvolutionSettings({.table = std::move(table), .of_nearest_rows = true});
  });
}

void KeepConvolutionPlans() {
  const std::string path = KeptConvolutions();
  const ConvolutionTable found = TakeFoundPlans();
  if (path.empty() || found.empty()) return;
  try {
    WriteTable(path, ReadConvolutionTable(path), found);  // in place of a damaged one as well
    spdlog::debug("{} convolution plans were timed and saved in {}", found.size(), path);
  } catch (const Error& error) {
    spdlog::warn("convolution plans could not be saved: {}", error.what());
  }
}

}  // namespace t3
