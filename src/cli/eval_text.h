// What t3 eval prints: means, comparisons as text and JSON, tables in Markdown.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "t3video/eval.h"

namespace t3 {

std::string EvalText(const EvalResult& result);

std::string ComparisonText(const EvalComparison& comparison, std::optional<double> margin);
// One object. `a` and `b`: the files that were compared.
std::string ComparisonJson(const EvalComparison& comparison, const std::vector<std::string>& a,
                           const std::vector<std::string>& b, std::optional<double> margin);

// Markdown.
std::string TableText(const EvalTable& table);
std::string GainsText(const std::vector<GainTable>& tables);

}  // namespace t3
