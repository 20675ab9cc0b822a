// t3 eval --table: measurements of several models as Markdown.
#include <algorithm>

#include "base/check.h"
#include "eval/eval_report.h"
#include "t3video/eval.h"

namespace t3 {
namespace {

struct Arm {
  std::string name;
  StoredEval mean;
  std::vector<StoredEval> seeds;  // of every file
};

const Arm* FindArm(const std::vector<Arm>& arms, const std::string& name) {
  const auto found =
      std::find_if(arms.begin(), arms.end(), [&](const Arm& arm) { return arm.name == name; });
  return found == arms.end() ? nullptr : &*found;
}

const MeasureKind& KindOf(const std::string& name) {
  for (const MeasureKind& kind : MeasureKinds()) {
    if (kind.name == name && kind.better != Better::kNeither) return kind;
  }
  FailUsage("`margins` {}: not a measure of which more or less is better", name);
}

MeanInterval GainOf(const StoredEval& from, const StoredEval& to, const MeasureKind& kind) {
  const auto a = from.measures.find(std::string(kind.name));
  const auto b = to.measures.find(std::string(kind.name));
  if (a == from.measures.end() || b == to.measures.end()) return {};
  const std::vector<double> gains = PairsOf(a->second, b->second, kind.better).gain;
  return gains.empty() ? MeanInterval{} : MeanOf(gains);
}

// A bar would end the cell.
std::string LabelOf(const MeasureKind& kind) {
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

// Means: a row per measure, a column per model.
std::string MeansTable(const std::vector<Arm>& arms) {
  std::vector<std::string> names{""};
  for (const Arm& arm : arms) names.push_back(arm.name);
  std::string table = Head(names);
  for (const MeasureKind& kind : MeasureKinds()) {
    std::vector<std::string> cells{LabelOf(kind)};
    bool any = false;
    for (const Arm& arm : arms) {
      const auto found = arm.mean.measures.find(std::string(kind.name));
      const bool has = found != arm.mean.measures.end() && !found->second.empty();
      any = any || has;
      std::vector<double> values;
      if (has) {
        for (const auto& [scene, value] : found->second) values.push_back(value);
      }
      cells.push_back(has ? FormatMeasure(MeanOf(values).mean, kind.share) : "");
    }
    if (any) table += Row(cells);
  }
  for (const auto& [name, label] :
       {std::pair{"forward_seconds", "forward, s"}, {"attention_tmac", "its attention, TMAC"}}) {
    std::vector<std::string> cells{label};
    for (const Arm& arm : arms) {
      const auto found = arm.mean.once.find(name);
      cells.push_back(found == arm.mean.once.end() ? "" : FormatMeasure(found->second, false));
    }
    table += Row(cells);
  }
  return table;
}

std::string GainsTable(const std::vector<Arm>& arms, const Arm& against, const std::string& measure,
                       double margin) {
  const MeasureKind& kind = KindOf(measure);
  const auto text = [&](double v) { return (v >= 0 ? "+" : "") + FormatMeasure(v, kind.share); };
  std::string table =
      fmt::format("\n{}: gain over {}, margin {}\n\n", LabelOf(kind), against.name, text(margin));
  table +=
      Head({"", "mean gain", "95 % interval", "by training seed", "scenes", "above the margin"});
  for (const Arm& arm : arms) {
    if (&arm == &against) continue;
    const MeanInterval gain = GainOf(against.mean, arm.mean, kind);
    if (gain.count == 0) continue;
    std::vector<std::string> seeds;
    const size_t pairs = arm.seeds.size() == against.seeds.size() ? arm.seeds.size() : 0;
    for (size_t i = 0; i < pairs; ++i) {
      const MeanInterval one = GainOf(against.seeds[i], arm.seeds[i], kind);
      if (one.count > 0) seeds.push_back(text(one.mean));
    }
    const bool known = gain.count > 1;  // one scene has no interval
    table += Row({arm.name, text(gain.mean),
                  known ? text(gain.low()) + " to " + text(gain.high()) : "none",
                  fmt::format("{}", fmt::join(seeds, ", ")), std::to_string(gain.count),
                  known && gain.low() > margin ? "yes" : "no"});
  }
  return table;
}

}  // namespace

std::string TabulateEvals(const std::vector<NamedEvals>& named, const std::string& against,
                          const std::vector<std::pair<std::string, double>>& margins) {
  std::vector<Arm> arms;
  for (const auto& [name, files] : named) {
    if (files.empty() || FindArm(arms, name) != nullptr)
      FailUsage("`table` {}: wanted NAME=FILE[,FILE...], every name once", name);
    Arm& arm = arms.emplace_back();
    arm.name = name, arm.mean = ReadEvals(files);
    for (const std::string& file : files) arm.seeds.push_back(ReadEval(file));
  }
  if (against.empty()) return MeansTable(arms);
  const Arm* reference = FindArm(arms, against);
  if (reference == nullptr) FailUsage("`against` {}: `table` does not name it", against);
  std::string text;
  for (const auto& [measure, margin] : margins)
    text += GainsTable(arms, *reference, measure, margin);
  return text;
}

}  // namespace t3
