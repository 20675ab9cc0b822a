// Walks both objects together.
#include "training/loop/json_differences.h"

#include "base/check.h"

namespace t3 {
namespace {

using nlohmann::json;

void Collect(const json& a, const json& b, const json::json_pointer& at,
             std::vector<json::json_pointer>* places) {
  for (const auto& [key, value] : a.items()) {
    if (!b.contains(key)) {
      places->push_back(at / key);
    } else if (value.is_object() && b[key].is_object()) {
      Collect(value, b[key], at / key, places);
    } else if (value != b[key]) {
      places->push_back(at / key);
    }
  }
  for (const auto& [key, value] : b.items()) {
    if (!a.contains(key)) places->push_back(at / key);
  }
}

}  // namespace

std::vector<json::json_pointer> JsonDifferences(const json& a, const json& b) {
  std::vector<json::json_pointer> places;
  Collect(a, b, json::json_pointer(), &places);
  return places;
}

std::string DifferenceText(const json::json_pointer& place, const json& was, const json& now) {
  const auto text = [&](const json& fields) {
    return fields.contains(place) ? fields[place].dump() : std::string("absent");
  };
  return fmt::format("{} was {}, now {}", place.to_string().substr(1), text(was), text(now));
}

}  // namespace t3
