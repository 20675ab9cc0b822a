// The table as a whole, choosing, opening.
#include "score/run/groups.h"

#include <algorithm>

#include "base/check.h"
#include "base/failure.h"
#include "base/nearest.h"
#include "runtime/file_digest.h"

namespace t3 {
namespace {

bool Asks(const ScoreRequest& request, const MetricGroup& group) {
  return std::ranges::any_of(request.metrics, [&](const std::string& name) {
    return name == group.name ||
           std::ranges::find(group.metrics, name, &ScoreMetric::name) != group.metrics.end();
  });
}

void CheckNames(const ScoreRequest& request, const std::vector<MetricGroup>& groups) {
  std::vector<std::string> names, with_weights;
  for (const MetricGroup& group : groups) {
    names.emplace_back(group.name);
    if (group.needs().weights) with_weights.emplace_back(group.name);
    for (const ScoreMetric& metric : group.metrics) names.emplace_back(metric.name);
  }
  for (const std::string& name : request.metrics) {
    if (std::ranges::find(names, name) == names.end())
      FailUsage("`metrics`: there is no metric {}{}", name, DidYouMean(name, names));
  }
  for (const auto& [name, file] : request.weights) {
    if (std::ranges::find(with_weights, name) == with_weights.end())
      FailUsage("`weights` {}: wanted NAME=FILE with a NAME of {}", name,
                fmt::join(with_weights, ", "));
  }
}

// Whether the request gives what the group needs. Throws Error where a group was named without it.
bool HasNeeds(const ScoreRequest& request, const MetricGroup& group) {
  const MetricNeeds& needs = group.needs();
  const bool weights = !needs.weights || request.weights.contains(std::string(group.name));
  const bool reference = !needs.reference || !request.reference.empty();
  if (!request.metrics.empty() && !Asks(request, group)) return false;
  if (!request.metrics.empty() && !weights)
    FailUsage("`metrics` {} needs a file: `weights` {}=FILE", group.name, group.name);
  if (!request.metrics.empty() && !reference)
    FailUsage("`metrics` {} needs reference clips: `reference` DIR", group.name);
  return weights && reference;
}

std::string IdentityOf(const ScoreRequest& request, const MetricGroup& group) {
  std::string identity = fmt::format("{} {}", group.name, group.version);
  if (group.needs().program) identity += " " + request.vmaf_binary;
  if (!group.needs().weights) return identity;
  for (const auto& [name, file] : request.weights) identity += " " + FileDigest(file);
  return identity;
}

}  // namespace

std::vector<MetricGroup> AllMetricGroups() {
  std::vector<MetricGroup> groups;
  for (const auto part :
       {WorldMetricGroups(), FrameMetricGroups(), NetworkMetricGroups(), ReferenceMetricGroups()})
    groups.insert(groups.end(), part.begin(), part.end());
  return groups;
}

std::vector<OpenedGroup> OpenGroups(const ScoreRequest& request, ScoreResult& result) {
  const std::vector<MetricGroup> groups = AllMetricGroups();
  CheckNames(request, groups);
  std::vector<OpenedGroup> opened;
  for (const MetricGroup& group : groups) {
    if (!HasNeeds(request, group)) continue;
    const std::string name(group.name);
    const auto weights = request.weights.find(name);
    const MetricSetup setup{weights == request.weights.end() ? "" : weights->second,
                            request.vmaf_binary, request.options, request.weights};
    try {
      opened.push_back({group, group.open(setup), IdentityOf(request, group)});
    } catch (...) {
      const std::string why = CurrentError().what();
      const bool wanted = Asks(request, group) || group.needs().weights ||
                          (group.needs().program && !request.vmaf_binary.empty());
      if (wanted) {
        result.failures.push_back({name, why});
      } else {
        result.notes.push_back(fmt::format("{} is left out: {}", name, why));
      }
    }
  }
  return opened;
}

std::vector<ScoreMetric> ScoreMetrics() {
  std::vector<ScoreMetric> metrics;
  for (const MetricGroup& group : AllMetricGroups())
    metrics.insert(metrics.end(), group.metrics.begin(), group.metrics.end());
  return metrics;
}

}  // namespace t3
