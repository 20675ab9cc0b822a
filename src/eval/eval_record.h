// The record of a measurement: JSON that can be read back, and its means.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/statistics.h"
#include "eval/clip_score.h"

namespace t3 {

struct EvalRecord {
  nlohmann::ordered_json settings;  // what was measured and how; of the whole record
  std::string title;                // the same in one line of text
  std::vector<ClipScore> clips;
  bool interrupted = false;
  std::optional<double> forward_seconds;
  std::optional<double> attention_macs;
  std::vector<Fp8AttentionCount> fp8_attention;
};

EvalResult ResultOf(const EvalRecord& record);

// A measure's mean over clips, and that of its paired differences, with the interval that suits the
// kind of measure.
MeanInterval MeanOfMeasure(const MeasureKind& kind, const std::vector<double>& values);
MeanInterval GainOfMeasure(const MeasureKind& kind, const std::vector<double>& gains);

// The whole record: settings, means, every clip.
std::string RecordJson(const EvalRecord& record);

// Every measure by scene, read from a file of RecordJson's text.
struct StoredEval {
  std::string title;  // "dense.json (256x144x17)"
  std::map<std::string, std::map<uint64_t, double>> measures;
  std::optional<double> forward_seconds;
  std::optional<double> attention_macs;
};
// Whether `path` holds RecordJson's text, of an interrupted measurement as well.
bool IsEvalRecord(const std::string& path);
// Throws Error that names the file if it is not such a record.
StoredEval ReadEval(const std::string& path);
// Means over several files, of the scenes and measures that all have.
StoredEval ReadEvals(const std::vector<std::string>& paths);

}  // namespace t3
