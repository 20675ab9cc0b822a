// The JSON record of t3 score.
#pragma once

#include <string>

#include "t3video/score.h"

namespace t3 {

std::string ScoreJson(const ScoreResult& result);
// Whether `path` holds ScoreJson's text.
bool IsScoreJson(const std::string& path);
// Values by clip and metric. Throws Error that names the file if it is not such a record.
StoredScores ReadScoreJson(const std::string& path);

// A comparison: the fields of that of t3 eval, and the clips without a partner.
std::string ScoreComparisonJson(const ScoreComparison& comparison, const std::string& a,
                                const std::string& b);

}  // namespace t3
