// t3 eval --table: measurements of several models side by side.
#include <algorithm>

#include "base/check.h"
#include "eval/eval_record.h"
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
  return gains.empty() ? MeanInterval{} : GainOfMeasure(kind, gains);
}

std::vector<Arm> ReadArms(const std::vector<NamedEvals>& named) {
  std::vector<Arm> arms;
  for (const auto& [name, files] : named) {
    if (files.empty() || FindArm(arms, name) != nullptr)
      FailUsage("`table` {}: wanted NAME=FILE[,FILE...], every name once", name);
    Arm& arm = arms.emplace_back();
    arm.name = name, arm.mean = ReadEvals(files);
    for (const std::string& file : files) arm.seeds.push_back(ReadEval(file));
  }
  return arms;
}

std::optional<double> MeanIn(const StoredEval& stored, const MeasureKind& kind) {
  const auto found = stored.measures.find(std::string(kind.name));
  if (found == stored.measures.end() || found->second.empty()) return std::nullopt;
  std::vector<double> values;
  for (const auto& [scene, value] : found->second) values.push_back(value);
  return MeanOf(values).mean;
}

GainTable GainsOver(const Arm& against, const std::vector<Arm>& arms, const MeasureKind& kind,
                    double margin) {
  GainTable table{kind, against.name, margin, {}};
  for (const Arm& arm : arms) {
    if (&arm == &against) continue;
    const MeanInterval gain = GainOf(against.mean, arm.mean, kind);
    if (gain.count == 0) continue;
    GainRow& row = table.rows.emplace_back();
    row.name = arm.name, row.gain = gain;
    row.above_margin = gain.low > margin;
    if (arm.seeds.size() != against.seeds.size()) continue;
    for (size_t i = 0; i < arm.seeds.size(); ++i) {
      const MeanInterval one = GainOf(against.seeds[i], arm.seeds[i], kind);
      if (one.count > 0) row.by_seed.push_back(one.mean);
    }
  }
  return table;
}

}  // namespace

EvalTable TabulateEvals(const std::vector<NamedEvals>& named) {
  const std::vector<Arm> arms = ReadArms(named);
  EvalTable table;
  for (const Arm& arm : arms) {
    table.names.push_back(arm.name);
    table.forward_seconds.push_back(arm.mean.forward_seconds);
    table.attention_macs.push_back(arm.mean.attention_macs);
  }
  for (const MeasureKind& kind : MeasureKinds()) {
    MeansRow row{kind, {}};
    for (const Arm& arm : arms) row.means.push_back(MeanIn(arm.mean, kind));
    const auto known = [](const std::optional<double>& mean) { return mean.has_value(); };
    if (std::ranges::any_of(row.means, known)) table.rows.push_back(std::move(row));
  }
  return table;
}

std::vector<GainTable> TabulateGains(const std::vector<NamedEvals>& named,
                                     const std::string& against,
                                     const std::vector<std::pair<std::string, double>>& margins) {
  const std::vector<Arm> arms = ReadArms(named);
  const Arm* reference = FindArm(arms, against);
  if (reference == nullptr) FailUsage("`against` {}: `table` does not name it", against);
  std::vector<GainTable> tables;
  for (const auto& [measure, margin] : margins)
    tables.push_back(GainsOver(*reference, arms, KindOf(measure), margin));
  return tables;
}

}  // namespace t3
