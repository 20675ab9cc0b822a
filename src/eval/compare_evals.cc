// t3 eval --compare: paired differences over the scenes that two measurements share.
#include "base/check.h"
#include "base/text.h"
#include "eval/eval_record.h"
#include "t3video/eval.h"

namespace t3 {
namespace {

// A measure of which neither more nor less is better gets a difference and no verdict.
MeasureGain GainBetween(const MeasureKind& kind, const Pairs& pairs, std::optional<double> margin) {
  MeasureGain gain{
      kind, MeanOf(pairs.a).mean, MeanOf(pairs.b).mean, GainOfMeasure(kind, pairs.gain), {}};
  if (margin && kind.better != Better::kNeither) gain.above_margin = gain.gain.low > *margin;
  return gain;
}

}  // namespace

EvalComparison CompareEvals(const std::vector<std::string>& a, const std::vector<std::string>& b,
                            std::optional<double> margin) {
  if (a.size() != b.size() || a.empty())
    FailUsage("`compare`: {} against {}; wanted the same number on both sides",
              Counted(std::ssize(a), "file"), b.size());
  const StoredEval first = ReadEvals(a), second = ReadEvals(b);
  EvalComparison comparison{first.title, second.title, {}};
  for (const MeasureKind& kind : MeasureKinds()) {
    const auto in_a = first.measures.find(std::string(kind.name));
    const auto in_b = second.measures.find(std::string(kind.name));
    if (in_a == first.measures.end() || in_b == second.measures.end()) continue;
    const Pairs pairs = PairsOf(in_a->second, in_b->second, kind.better);
    if (!pairs.gain.empty()) comparison.measures.push_back(GainBetween(kind, pairs, margin));
  }
  T3_CHECK(!comparison.measures.empty(),
           "A and B, {} and {}, share no scene; measure both with the same `first-seed`",
           first.title, second.title);
  return comparison;
}

}  // namespace t3
