// Formats scores.
#include "cli/score_text.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "cli/eval_text.h"

namespace t3 {
namespace {

std::string MeanText(const MeanInterval& mean) {
  const std::string value = fmt::format("{:.4g}", mean.mean);
  return mean.count > 1 ? fmt::format("{} +- {:.2g}", value, mean.half_width()) : value;
}

std::string TruthText(const MetricSummary& summary) {
  return summary.truth_correlation ? fmt::format("{:+.2f}", *summary.truth_correlation) : "";
}

std::string ProblemLine(const std::string& clip, const ScoreProblem& problem) {
  std::string line = "t3: error";
  for (const std::string& part : {clip, problem.group, problem.reason}) {
    if (!part.empty()) line += ": " + part;
  }
  return line + "\n";
}

// The number at the beginning and the seed at the end tell clips apart.
std::string ShortName(const std::string& name, size_t columns) {
  constexpr size_t kHead = 8;
  const auto fits = [](const std::string& text, size_t room) {
    return CutToColumns(text, room) == text;
  };
  if (fits(name, columns)) return name;
  const std::string head = CutToColumns(name, kHead) + "...";
  size_t at = head.size();
  while (!fits(name.substr(at), columns - kHead - 3) || !IsUtf8(name.substr(at))) ++at;
  return head + name.substr(at);
}

}  // namespace

std::string DirectionText(Better better) {
  switch (better) {
    case Better::kMore:
      return "more";
    case Better::kLess:
      return "less";
    case Better::kNeither:
      break;
  }
  return "neither";
}

std::string NeedsText(const MetricNeeds& needs) {
  std::vector<std::string> all;
  if (needs.prompt) all.emplace_back("prompt");
  if (needs.reference) all.emplace_back("reference");
  if (needs.weights) all.emplace_back("weights");
  if (needs.program) all.emplace_back("program");
  return fmt::format("{}", fmt::join(all, ", "));
}

ScoreEnds EndsOf(const ScoreResult& result, const MetricSummary& summary, size_t count) {
  const std::string name(summary.metric.name);
  const auto value = [&](size_t clip) { return result.clips[clip].values.at(name); };
  if (value(summary.ascending.front()) == value(summary.ascending.back())) return {};
  ScoreEnds ends{summary.ascending, summary.ascending};
  std::ranges::reverse(summary.metric.better == Better::kLess ? ends.worst : ends.best);
  for (std::vector<size_t>* clips : {&ends.worst, &ends.best})
    clips->resize(std::min(count, clips->size()));
  return ends;
}

std::string ScoreText(const ScoreResult& result) {
  const bool truth = std::ranges::any_of(
      result.metrics, [](const MetricSummary& m) { return m.truth_correlation.has_value(); });
  constexpr size_t kNameColumns = 24;
  std::string text =
      fmt::format("{:<20} {:>22} {:>5} {:<8} {}{:<25} {}\n", "metric", "mean", "clips", "better",
                  truth ? "truth  " : "", "worst, or lowest", "best, or highest");
  for (const MetricSummary& summary : result.metrics) {
    const ScoreEnds ends = EndsOf(result, summary, 1);
    const auto name = [&](const std::vector<size_t>& clips) {
      return clips.empty() ? "" : ShortName(result.clips[clips.front()].name, kNameColumns);
    };
    text += fmt::format(
        "{:<20} {:>22} {:>5} {:<8} {}{:<25} {}\n", summary.metric.name, MeanText(summary.mean),
        summary.mean.count, DirectionText(summary.metric.better),
        truth ? fmt::format("{:>5}  ", TruthText(summary)) : "", name(ends.worst), name(ends.best));
  }
  if (truth)
    text +=
        "truth: Spearman's correlation with world_attributes, what the detector of the "
        "synthetic world reads\n";
  return text;
}

std::string ScoreProblemsText(const ScoreResult& result) {
  std::string text;
  for (const ScoreProblem& problem : result.failures) text += ProblemLine("", problem);
  for (const ClipScores& clip : result.clips) {
    for (const ScoreProblem& problem : clip.failures) text += ProblemLine(clip.name, problem);
  }
  return text;
}

std::string ScoreComparisonText(const ScoreComparison& comparison) {
  std::string text = ComparisonText(comparison.comparison, std::nullopt);
  const auto add = [&](const char* side, const std::vector<std::string>& names) {
    if (!names.empty()) text += fmt::format("only in {}: {}\n", side, fmt::join(names, ", "));
  };
  add("A", comparison.only_a), add("B", comparison.only_b);
  return text;
}

std::string MetricTableText() {
  std::string text = fmt::format("{:<20} {:<13} {:<18} {:<8} {:<19} {}\n", "metric", "group",
                                 "unit", "better", "needs", "source");
  for (const ScoreMetric& metric : ScoreMetrics()) {
    text += fmt::format("{:<20} {:<13} {:<18} {:<8} {:<19} {}\n", metric.name, metric.group,
                        metric.unit, DirectionText(metric.better), NeedsText(metric.needs),
                        metric.source);
  }
  return text;
}

}  // namespace t3
