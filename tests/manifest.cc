// Unfolding the manifests: "blocks.{0-29}.x" stands for 30 tensors.
#include "manifest.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/check.h"

namespace t3 {
namespace {

std::vector<std::string> Unfold(const std::string& pattern) {
  const size_t open = pattern.find('{');
  if (open == std::string::npos) return {pattern};
  const size_t dash = pattern.find('-', open);
  const size_t close = pattern.find('}', open);
  const int first = std::stoi(pattern.substr(open + 1, dash - open - 1));
  const int last = std::stoi(pattern.substr(dash + 1, close - dash - 1));
  std::vector<std::string> names;
  for (int i = first; i <= last; ++i) {
    names.push_back(pattern.substr(0, open) + std::to_string(i) + pattern.substr(close + 1));
  }
  return names;
}

}  // namespace

Manifest ReadManifest(const std::string& name) {
  const std::string path = std::string(T3_SOURCE_DIR) + "/tests/data/manifests/" + name + ".json";
  std::ifstream file(path);
  T3_CHECK(file.good(), "cannot read {}", path);
  const nlohmann::json json = nlohmann::json::parse(file);
  Manifest manifest{.source = json.at("source"), .tensors = {}};
  const auto dtype = FindDType(json.at("dtype").get<std::string>());
  T3_CHECK(dtype.has_value(), "{}: unknown dtype", path);
  for (const auto& [pattern, shape] : json.at("tensors").items()) {
    for (const std::string& tensor : Unfold(pattern)) {
      manifest.tensors[tensor] = {*dtype, shape.get<std::vector<int64_t>>(), nullptr, 0};
    }
  }
  T3_CHECK(manifest.tensors.size() == json.at("count").get<size_t>(), "{}: {} tensors, count {}",
           path, manifest.tensors.size(), json.at("count").get<size_t>());
  return manifest;
}

}  // namespace t3
