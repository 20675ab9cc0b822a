// Scoring finished videos: metrics of each clip, of a set, and of two sets compared.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "t3video/cancel.h"
#include "t3video/options.h"
#include "t3video/progress.h"
#include "t3video/statistics.h"

namespace t3 {

// What a metric takes besides the frames of a clip.
struct MetricNeeds {
  bool prompt = false;
  bool reference = false;  // a clip of the same size, frame by frame
  bool weights = false;    // a file that the user names
  bool program = false;    // another program on this machine
};

// One value of a clip. docs/reference/metrics.md defines each.
struct ScoreMetric {
  std::string_view name;   // in files: "dover_technical"
  std::string_view group;  // the values that are computed and chosen together: "dover"
  std::string_view unit;   // "dB", "px/frame"; "" for a number without a unit
  Better better = Better::kMore;
  std::string_view source;  // the publication that defines it
  MetricNeeds needs;
};

// Every metric in the order of reports.
std::vector<ScoreMetric> ScoreMetrics();

}  // namespace t3
