// t3 eval --compare: paired differences over the scenes that two measurements share.
#include <cmath>

#include "base/check.h"
#include "eval/eval_report.h"
#include "t3video/eval.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

std::string Signed(double value, bool share) {
  return (value >= 0 ? "+" : "") + FormatMeasure(value, share);
}

// A measure of which neither more nor less is better gets a difference and no verdict.
void AddRow(const MeasureKind& kind, const Pairs& pairs, std::optional<double> margin,
            Report& report, ordered_json& rows) {
  const MeanInterval gain = MeanOf(pairs.gain);
  const double a = MeanOf(pairs.a).mean, b = MeanOf(pairs.b).mean;
  ordered_json row{{"measure", kind.name}, {"a", a}, {"b", b}, {"clips", gain.count}};
  row[kind.better == Better::kNeither ? "difference" : "gain"] = gain.mean;
  report.text +=
      fmt::format("{:<24} {:>10} {:>10} {:>10}", kind.label, FormatMeasure(a, kind.share),
                  FormatMeasure(b, kind.share), Signed(gain.mean, kind.share));
  if (gain.count > 1) {
    row["low"] = gain.low(), row["high"] = gain.high();
    report.text += fmt::format(
        "  {:>22}", Signed(gain.low(), kind.share) + " to " + Signed(gain.high(), kind.share));
  } else {
    report.text += fmt::format("  {:>22}", "one clip");
  }
  report.text += fmt::format(" {:>6}", gain.count);
  if (margin && kind.better != Better::kNeither) {
    const bool above = gain.low() > *margin;
    row["above_margin"] = above;
    report.text += above ? "  yes" : "  no";
  }
  report.text += '\n';
  rows.push_back(row);
}

}  // namespace

Pairs PairsOf(const std::map<uint64_t, double>& a, const std::map<uint64_t, double>& b,
              Better better) {
  Pairs pairs;
  for (const auto& [scene, value] : a) {
    const auto found = b.find(scene);
    if (found == b.end()) continue;
    pairs.a.push_back(value), pairs.b.push_back(found->second);
    pairs.gain.push_back((found->second - value) * (better == Better::kLess ? -1 : 1));
  }
  return pairs;
}

Report CompareEvals(const std::vector<std::string>& a, const std::vector<std::string>& b,
                    std::optional<double> margin) {
  if (a.size() != b.size() || a.empty())
    FailUsage("`compare`: {} files against {}; wanted the same number on both sides", a.size(),
              b.size());
  const StoredEval first = ReadEvals(a), second = ReadEvals(b);
  Report report;
  report.text = fmt::format(
      "A {}\nB {}\n"
      "gain of B over A, the mean over their common scenes with its 95 % interval (Student's t); "
      "for ratios the difference B - A\n",
      first.title, second.title);
  if (margin) report.text += fmt::format("last column: is the interval above {}\n", *margin);
  report.text += fmt::format("{:<24} {:>10} {:>10} {:>10}  {:>22} {:>6}\n", "", "A", "B",
                             "B better", "95 % interval", "clips");
  ordered_json json{{"a", a}, {"b", b}};
  if (margin) json["margin"] = *margin;
  ordered_json& rows = json["measures"] = ordered_json::array();
  for (const MeasureKind& kind : MeasureKinds()) {
    const auto in_a = first.measures.find(std::string(kind.name));
    const auto in_b = second.measures.find(std::string(kind.name));
    if (in_a == first.measures.end() || in_b == second.measures.end()) continue;
    const Pairs pairs = PairsOf(in_a->second, in_b->second, kind.better);
    if (!pairs.gain.empty()) AddRow(kind, pairs, margin, report, rows);
  }
  T3_CHECK(!rows.empty(),
           "A and B, {} and {}, share no scene; measure both with the same `first-seed`",
           first.title, second.title);
  report.json = json.dump(1);
  return report;
}

}  // namespace t3
