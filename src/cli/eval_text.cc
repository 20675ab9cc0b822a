// Formats measurements.
#include "cli/eval_text.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/units.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

// "97.0 %" or "0.1234".
std::string FormatMeasure(double value, bool share) {
  return share ? fmt::format("{:.1f} %", 100 * value) : fmt::format("{:.4g}", value);
}

std::string Signed(double value, bool share) {
  return (value >= 0 ? "+" : "") + FormatMeasure(value, share);
}

std::string IntervalText(const MeanInterval& interval, bool share) {
  return Signed(interval.low, share) + " to " + Signed(interval.high, share);
}

// A share's interval does not have it in the middle.
std::string SpreadText(const MeasureKind& kind, const MeanInterval& interval) {
  if (!interval.has_bounds()) return "";
  if (!kind.share) return " +- " + FormatMeasure(interval.half_width(), false);
  return fmt::format(" ({:.1f} to {:.1f} %)", 100 * interval.low, 100 * interval.high);
}

std::string MeanLine(const MeasureKind& kind, const MeanInterval& interval) {
  return fmt::format("{:<24} {:>10}{:<18} of {}\n", kind.label,
                     FormatMeasure(interval.mean, kind.share), SpreadText(kind, interval),
                     interval.count);
}

std::string GainLine(const MeasureGain& row) {
  const MeasureKind& kind = row.kind;
  const std::string interval =
      row.gain.has_bounds() ? IntervalText(row.gain, kind.share) : "one clip";
  return fmt::format("{:<24} {:>10} {:>10} {:>10}  {:>22} {:>6}{}\n", kind.label,
                     FormatMeasure(row.a, kind.share), FormatMeasure(row.b, kind.share),
                     Signed(row.gain.mean, kind.share), interval, row.gain.count,
                     !row.above_margin   ? ""
                     : *row.above_margin ? "  yes"
                                         : "  no");
}

ordered_json GainJson(const MeasureGain& row) {
  ordered_json json{
      {"measure", row.kind.name}, {"a", row.a}, {"b", row.b}, {"clips", row.gain.count}};
  json[row.kind.better == Better::kNeither ? "difference" : "gain"] = row.gain.mean;
  if (row.gain.has_bounds()) json["low"] = row.gain.low, json["high"] = row.gain.high;
  if (row.above_margin) json["above_margin"] = *row.above_margin;
  return json;
}

// A bar would end the cell.
std::string CellLabel(const MeasureKind& kind) {
  std::string label;
  for (const char c : kind.label) label += c == '|' ? "\\|" : std::string(1, c);
  return label;
}

std::string Row(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

std::string Head(const std::vector<std::string>& cells) {
  std::string rule = "|";
  for (size_t i = 0; i < cells.size(); ++i) rule += "---|";
  return Row(cells) + rule + "\n";
}

// Values divided by `unit`; empty cells for those that are absent.
std::string ValuesRow(const std::string& label, const std::vector<std::optional<double>>& values,
                      bool share, double unit = 1) {
  std::vector<std::string> cells{label};
  for (const std::optional<double>& value : values)
    cells.push_back(value ? FormatMeasure(*value / unit, share) : "");
  return Row(cells);
}

std::string GainsTable(const GainTable& table) {
  const bool share = table.kind.share;
  std::string text = fmt::format("\n{}: gain over {}, margin {}\n\n", CellLabel(table.kind),
                                 table.against, Signed(table.margin, share));
  text +=
      Head({"", "mean gain", "95 % interval", "by training seed", "scenes", "above the margin"});
  for (const GainRow& row : table.rows) {
    std::vector<std::string> seeds;
    for (const double gain : row.by_seed) seeds.push_back(Signed(gain, share));
    text += Row({row.name, Signed(row.gain.mean, share),
                 row.gain.has_bounds() ? IntervalText(row.gain, share) : "none",
                 fmt::format("{}", fmt::join(seeds, ", ")), std::to_string(row.gain.count),
                 row.above_margin ? "yes" : "no"});
  }
  return text;
}

}  // namespace

std::string EvalText(const EvalResult& result) {
  std::string text = result.title + "\n";
  if (result.interrupted)
    text += fmt::format("interrupted after {}\n", Counted(result.scenes, "scene"));
  for (const auto& [kind, interval] : result.means) text += MeanLine(kind, interval);
  if (result.forward_seconds)
    text += fmt::format("{:<24} {:>8.4g} s\n", "forward", *result.forward_seconds);
  if (result.attention_macs) {
    text += fmt::format("{:<24} {:>8.4g} TMAC\n", "attention of a forward",
                        *result.attention_macs / kTera);
  }
  for (const auto& [tokens, fp8, bf16] : result.fp8_attention) {
    text += fmt::format("{:<24} {:>10} of {} of {} tokens\n", "self-attention in fp8", fp8,
                        fp8 + bf16, tokens);
  }
  return text;
}

std::string ComparisonText(const EvalComparison& comparison, std::optional<double> margin) {
  std::string text = fmt::format(
      "A {}\nB {}\n"
      "gain of B over A, the mean over their common scenes with its 95 % interval (Student's t, "
      "for shares Bonett and Price's); for ratios the difference B - A\n",
      comparison.title_a, comparison.title_b);
  if (margin) text += fmt::format("last column: is the interval above {}\n", *margin);
  text += fmt::format("{:<24} {:>10} {:>10} {:>10}  {:>22} {:>6}\n", "", "A", "B", "B better",
                      "95 % interval", "clips");
  for (const MeasureGain& row : comparison.measures) text += GainLine(row);
  return text;
}

std::string ComparisonJson(const EvalComparison& comparison, const std::vector<std::string>& a,
                           const std::vector<std::string>& b, std::optional<double> margin) {
  ordered_json json{{"a", a}, {"b", b}};
  if (margin) json["margin"] = *margin;
  ordered_json& rows = json["measures"] = ordered_json::array();
  for (const MeasureGain& row : comparison.measures) rows.push_back(GainJson(row));
  return DumpJson(json, 1);
}

std::string TableText(const EvalTable& table) {
  std::vector<std::string> names{""};
  names.insert(names.end(), table.names.begin(), table.names.end());
  std::string text = Head(names);
  for (const MeansRow& row : table.rows)
    text += ValuesRow(CellLabel(row.kind), row.means, row.kind.share);
  text += ValuesRow("forward, s", table.forward_seconds, false);
  return text + ValuesRow("its attention, TMAC", table.attention_macs, false, kTera);
}

std::string GainsText(const std::vector<GainTable>& tables) {
  std::string text;
  for (const GainTable& table : tables) text += GainsTable(table);
  return text;
}

}  // namespace t3
