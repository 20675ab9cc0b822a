// A whole measurement, as text and as JSON that can be read back.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "eval/clip_score.h"
#include "eval/statistics.h"
#include "t3video/tools.h"

namespace t3 {

struct EvalRecord {
  nlohmann::ordered_json settings;  // what was measured and how; of the whole record
  std::string title;                // the same in one line of text
  std::vector<ClipScore> clips;
  bool interrupted = false;
  std::optional<double> forward_seconds;
  std::optional<double> attention_macs;
};

// Means of every measure that any clip has, in the order of MeasureKinds().
std::vector<std::pair<MeasureKind, MeanInterval>> Summarise(const std::vector<ClipScore>& clips);

// "97.0 %" or "0.1234".
std::string FormatMeasure(double value, bool share);

Report MakeReport(const EvalRecord& record);

// Every measure by scene, read from a file of MakeReport's JSON.
struct StoredEval {
  std::string title;  // "dense.json (256x144x17)"
  std::map<std::string, std::map<uint64_t, double>> measures;
  std::map<std::string, double> once;  // forward_seconds, attention_tmac
};
// Whether `path` holds MakeReport's JSON, of an interrupted measurement as well.
bool IsEvalRecord(const std::string& path);
// Throws Error that names the file if it is not such a record.
StoredEval ReadEval(const std::string& path);
// Means over several files, of the scenes and measures that all have.
StoredEval ReadEvals(const std::vector<std::string>& paths);

// Values of one measure on the scenes that both have.
struct Pairs {
  std::vector<double> a, b, gain;
};
// `gain` is b - a, or a - b when less is better.
Pairs PairsOf(const std::map<uint64_t, double>& a, const std::map<uint64_t, double>& b,
              Better better);

}  // namespace t3
