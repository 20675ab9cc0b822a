// What t3 score prints: metrics as a table, problems, comparisons.
#pragma once

#include <string>

#include "t3video/score.h"

namespace t3 {

std::string ScoreText(const ScoreResult& result);
// Problems of clips and of the set, a line each; "" where there is none.
std::string ScoreProblemsText(const ScoreResult& result);
std::string ScoreComparisonText(const ScoreComparison& comparison);
// Every metric that this build knows, with what it needs.
std::string MetricTableText();

// "more", "less" or "neither".
std::string DirectionText(Better better);
// "prompt, weights", or "".
std::string NeedsText(const MetricNeeds& needs);
// The clips that an order from bad to good begins or ends with: by value where neither is better;
// none where all values are equal.
struct ScoreEnds {
  std::vector<size_t> worst, best;  // at most `count` each, the extreme one first
};
ScoreEnds EndsOf(const ScoreResult& result, const MetricSummary& summary, size_t count);

}  // namespace t3
