// Values of the published metrics for the test clip, written by tools/oracle_score.py.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>

namespace t3::testing {

inline nlohmann::json PublishedMetrics() {
  std::ifstream file(T3_SOURCE_DIR "/tests/data/score/metrics.json");
  return nlohmann::json::parse(file);
}

}  // namespace t3::testing
