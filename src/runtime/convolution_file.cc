// {"format": ..., "plans": {shape and machine: plan}}.
#include "runtime/convolution_file.h"

#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/log.h"
#include "runtime/cache_folder.h"
#include "runtime/shipped_files.h"

namespace t3 {
namespace {

constexpr const char* kConvolutionFormat = "t3video convolution plans 1";

std::string KeptConvolutions() {
  const std::string folder = CacheFolder();
  return folder.empty() ? "" : folder + "/convolutions.json";
}

}  // namespace

ConvolutionTable ReadConvolutionTable(const std::string& path) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) return {};
  std::ifstream file(path);
  const nlohmann::json json = nlohmann::json::parse(file, nullptr, false);
  const bool ours =
      json.is_object() && json.value("format", nlohmann::json()) == kConvolutionFormat;
  const nlohmann::json plans = ours ? json.value("plans", nlohmann::json()) : nlohmann::json();
  if (!plans.is_object()) {
    spdlog::info("{} is not a table of convolution plans that this version reads; it is ignored",
                 path);
    return {};
  }
  ConvolutionTable table;
  for (const auto& [shape, plan] : plans.items()) {
    if (plan.is_string()) table[shape] = plan.get<std::string>();
  }
  return table;
}

void AddToConvolutionTable(const std::string& path, const ConvolutionTable& found) {
  ConvolutionTable table = ReadConvolutionTable(path);
  for (const auto& [shape, plan] : found) table[shape] = plan;
  const nlohmann::ordered_json json{{"format", kConvolutionFormat}, {"plans", table}};
  WriteAtomically(path, json.dump(2) + "\n");
}

void UseKeptConvolutionPlans() {
  static std::once_flag once;
  std::call_once(once, [] {
    ConvolutionTable table = ReadConvolutionTable(KeptConvolutions());
    table.merge(ReadConvolutionTable(ShippedPath("convolutions.json")));
    SetConvolutionSettings({.table = std::move(table)});
  });
}

void KeepConvolutionPlans() {
  const std::string path = KeptConvolutions();
  const ConvolutionTable found = TakeFoundPlans();
  if (path.empty() || found.empty()) return;
  try {
    AddToConvolutionTable(path, found);
    spdlog::debug("{} convolution plans were timed and kept in {}", found.size(), path);
  } catch (const Error& error) {
    spdlog::warn("convolution plans are not kept: {}", error.what());
  }
}

}  // namespace t3
