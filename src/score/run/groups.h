// Every group of metrics, and which of them a request asks for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "score/metric.h"
#include "t3video/score.h"

namespace t3 {

// In the order of reports.
std::vector<MetricGroup> AllMetricGroups();

// A group that is opened, and what decides its values besides the clip.
struct OpenedGroup {
  MetricGroup group;
  std::unique_ptr<Metric> metric;
  std::string identity;  // name, version and the digests of its files: the key of kept values
};

// Opens the groups of the request. Those that were named and those whose weights were given fail
// into `result.failures` where they cannot be opened; the others leave a note. Throws Error of kind
// kUsage for names that are unknown and files that are missing from the request.
std::vector<OpenedGroup> OpenGroups(const ScoreRequest& request, ScoreResult& result);

}  // namespace t3
