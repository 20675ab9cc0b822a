// Writes and reads records of scores.
#include "cli/score_json.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/eval_text.h"
#include "cli/score_text.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;
constexpr const char* kFormat = "t3video scores";

ordered_json ProblemsJson(const std::vector<ScoreProblem>& problems) {
  ordered_json list = ordered_json::array();
  for (const ScoreProblem& problem : problems) {
    ordered_json& entry = list.emplace_back(ordered_json::object());
    if (!problem.group.empty()) entry["group"] = problem.group;
    entry["reason"] = problem.reason;
  }
  return list;
}

ordered_json SummaryJson(const ScoreResult& result, const MetricSummary& summary) {
  constexpr size_t kEnds = 3;
  const auto names = [&](const std::vector<size_t>& clips) {
    ordered_json list = ordered_json::array();
    for (const size_t clip : clips) list.push_back(result.clips[clip].name);
    return list;
  };
  const ScoreEnds ends = EndsOf(result, summary, kEnds);
  const bool ordered = summary.metric.better != Better::kNeither;
  ordered_json entry{{"unit", summary.metric.unit},
                     {"better", DirectionText(summary.metric.better)},
                     {"source", summary.metric.source},
                     {"mean", summary.mean.mean},
                     {"clips", summary.mean.count}};
  if (summary.mean.count > 1) entry["half_width"] = summary.mean.half_width();
  entry[ordered ? "worst" : "lowest"] = names(ends.worst);
  entry[ordered ? "best" : "highest"] = names(ends.best);
  if (summary.truth_correlation) entry["truth_correlation"] = *summary.truth_correlation;
  return entry;
}

ordered_json ClipJson(const ClipScores& clip) {
  ordered_json entry{{"name", clip.name}, {"file", clip.path}};
  if (!clip.prompt.empty()) entry["prompt"] = clip.prompt;
  if (clip.frames > 0) {
    entry["size"] = fmt::format("{}x{}", clip.width, clip.height);
    entry["frames"] = clip.frames, entry["fps"] = clip.fps;
  }
  entry["values"] = clip.values;
  if (!clip.gaps.empty()) entry["gaps"] = ProblemsJson(clip.gaps);
  if (!clip.failures.empty()) entry["failures"] = ProblemsJson(clip.failures);
  return entry;
}

}  // namespace

std::string ScoreJson(const ScoreResult& result) {
  ordered_json all{{"format", kFormat}, {"version", 1}, {"interrupted", result.interrupted}};
  ordered_json& metrics = all["metrics"] = ordered_json::object();
  for (const MetricSummary& summary : result.metrics)
    metrics[std::string(summary.metric.name)] = SummaryJson(result, summary);
  ordered_json& clips = all["clips"] = ordered_json::array();
  for (const ClipScores& clip : result.clips) clips.push_back(ClipJson(clip));
  all["notes"] = result.notes;
  all["failures"] = ProblemsJson(result.failures);
  return DumpJson(all, 1);
}

bool IsScoreJson(const std::string& path) {
  try {
    const nlohmann::json record = ReadJson(path, kLongLists);
    return record.is_object() && record.value("format", nlohmann::json()) == kFormat;
  } catch (const Error&) {
    return false;
  }
}

StoredScores ReadScoreJson(const std::string& path) {
  StoredScores stored{path, {}};
  const nlohmann::json record = ReadJson(path, kLongLists);
  try {
    T3_CHECK(record.at("format") == kFormat, "{} is not a record of `t3 score --json`", path);
    for (const nlohmann::json& clip : record.at("clips")) {
      stored.clips[clip.at("name").get<std::string>()] =
          clip.at("values").get<std::map<std::string, double>>();
    }
  } catch (const nlohmann::json::exception&) {
    Fail(
        "{} is not a record of `t3 score --json`: it lacks \"format\" or \"clips\" with \"name\" "
        "and \"values\", or they are of other types",
        path);
  }
  return stored;
}

std::string ScoreComparisonJson(const ScoreComparison& comparison, const std::string& a,
                                const std::string& b) {
  ordered_json all = ParseOrderedJson(ComparisonJson(comparison.comparison, {a}, {b}, std::nullopt),
                                      "the comparison", kLongLists);
  all["only_a"] = comparison.only_a, all["only_b"] = comparison.only_b;
  return DumpJson(all, 1);
}

}  // namespace t3
