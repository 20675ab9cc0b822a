// Where two JSON objects differ.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace t3 {

// The places of `a` and `b`, both objects, whose values differ, or that one of them lacks. Objects
// in both are entered; lists differ as a whole.
std::vector<nlohmann::json::json_pointer> JsonDifferences(const nlohmann::json& a,
                                                          const nlohmann::json& b);

// "optimizer/lr was 0.1, now absent".
std::string DifferenceText(const nlohmann::json::json_pointer& place, const nlohmann::json& was,
                           const nlohmann::json& now);

}  // namespace t3
