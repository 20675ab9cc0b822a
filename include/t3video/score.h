// Scoring finished videos: metrics of each clip, of a set, and of two sets compared.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "t3video/cancel.h"
#include "t3video/eval.h"
#include "t3video/options.h"
#include "t3video/progress.h"
#include "t3video/statistics.h"

namespace t3 {

// What a metric takes besides the frames of a clip.
struct MetricNeeds {
  bool prompt = false;
  bool reference = false;  // a clip of the same size, frame by frame
  bool weights = false;    // a file that the user names
  bool program = false;    // another program on this machine
};

// One value of a clip. docs/reference/metrics.md defines each.
struct ScoreMetric {
  std::string_view name;   // in files: "dover_technical"
  std::string_view group;  // the values that are computed and chosen together: "dover"
  std::string_view unit;   // "dB", "px/frame"; "" for a number without a unit
  Better better = Better::kMore;
  std::string_view source;  // the publication that defines it
  MetricNeeds needs;
};

// Every metric in the order of reports.
std::vector<ScoreMetric> ScoreMetrics();

struct ScoreRequest {
  // Videos, folders of PNG frames, and folders that hold either: folders of `t3 generate
  // --prompt-file` among them, whose records give the prompts.
  std::vector<std::string> inputs = {};
  std::string prompts = {};    // prompt file; "": the records of the videos
  std::string reference = {};  // folder of clips of the same names, or the clip of a single input
  std::vector<std::string> metrics = {};  // names or groups; none: all that can be computed
  std::map<std::string, std::string> weights = {};  // file of a group that needs one
  std::string vmaf_binary = {};                     // ffmpeg with libvmaf; "": that in PATH
  std::string state = {};  // file that keeps finished clips for a later run; "": none
  RunOptions options = {};
};

// Why a clip has no value of a group of metrics; `group` is "" for the clip as a whole.
struct ScoreProblem {
  std::string group;
  std::string reason;
};

struct ClipScores {
  std::string name;  // of the file without extension; with its folder where two have one name
  std::string path;
  std::string prompt;
  int64_t width = 0, height = 0, frames = 0;
  double fps = 0;
  std::map<std::string, double> values;  // by metric
  // Metrics that are not defined for the clip. What no clip of the set has for one reason is a note
  // of the set instead.
  std::vector<ScoreProblem> gaps;
  std::vector<ScoreProblem> failures;
  std::string thumbnail;  // PNG of the middle frame; "" where none was decoded
  bool reused = false;    // all of it from the state file
};

// A metric over the set.
struct MetricSummary {
  ScoreMetric metric;
  MeanInterval mean;
  std::vector<size_t> ascending;  // clips that have a value, the lowest first
  // Spearman's correlation with `world_attributes` over the clips of the synthetic world; absent
  // below 3 clips and where either is constant.
  std::optional<double> truth_correlation;
};

struct ScoreResult {
  std::vector<ClipScores> clips;
  std::vector<MetricSummary> metrics;  // that any clip has
  std::vector<std::string> notes;
  std::vector<ScoreProblem> failures;  // of the set: weights of another network, a missing clip
  bool interrupted = false;            // the result covers what was done until then
  bool complete() const;               // nothing failed and nothing was interrupted
};

// Scores every clip of the request. What fails for one clip or one metric is named in the result,
// and the others go on. Memory is bounded: some frames of one clip. Throws Error of kind kUsage for
// a request that cannot be met, kFailed where there is no clip at all or the state file is another
// file, kInterrupted where `cancel` came before the first clip was done.
ScoreResult ScoreVideos(const ScoreRequest& request, const ProgressFn& progress = {},
                        const CancelToken* cancel = nullptr);

// Values of one set by clip and metric.
struct StoredScores {
  std::string title;
  std::map<std::string, std::map<std::string, double>> clips;
};

struct ScoreComparison {
  EvalComparison comparison;                // measures are metrics
  std::vector<std::string> only_a, only_b;  // clips without a partner
};

// How much better `b` is than `a`, clip by clip; clips pair by name. Throws Error where no clip
// pairs.
ScoreComparison CompareScores(const StoredScores& a, const StoredScores& b);

}  // namespace t3
